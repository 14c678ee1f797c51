"""The commands by name, imported when they are called; `summary` is what happens without one."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import click

from wsanalyze.cli.notes import say
from wsanalyze.cli.status import UNREADABLE, UNWRITABLE, USAGE, Failure
from wsanalyze.errors import CaptureError, StorageError, UsageError
from wsanalyze.views.escape import visible

# The first sentence of each command's help, so that --help imports none of them.
COMMANDS = {
    "summary": "Show what is in captures, for a person.",
    "export": "Write tables: CSV, JSON Lines, Parquet, Arrow, SQLite, Excel, Zeek.",
    "check": "Show what is wrong in captures; exit status for scripts and CI.",
    "explain": "Tell a recorded connection step by step, bit by bit.",
    "report": "Write one HTML page of everything, to read offline.",
    "live": "Analyse what passes on interfaces, while it happens.",
    "checks": "List the checks, or tell all of some of them.",
    "verify": "Cross-check a capture against Wireshark's dissector.",
    "doctor": "Show what works on this machine, and what to install for the rest.",
}
DEFAULT = "summary"

HELP = """A passive WebSocket analyzer: captures in, tables out.

CAPTURE is a pcap or pcapng file, compressed or not, or - for standard input.
`wsanalyze CAPTURE…` is short for `wsanalyze summary CAPTURE…`.

\b
Exit status: 0 done; 1 `check` or `verify` found something, or an answer to a
quiz was wrong; 2 wrong usage; 3 nothing could be read; 4 read in part, and
what was read was delivered; 130 interrupted.
"""


class Commands(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"wsanalyze.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `summary` in front of arguments that name no command."""
        if args and args[0] not in (*COMMANDS, "--help", "-h", "--version", "-V"):
            if _looks_like_command(args[0]):
                raise click.UsageError(f"no such command or file: {visible(args[0], 60)}", ctx)
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


def _looks_like_command(word: str) -> bool:
    return word.isidentifier() and not Path(word).exists()


@click.command(
    cls=Commands,
    help=HELP,
    subcommand_metavar="[COMMAND] [ARGS]…",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
@click.option("-V", "--version", is_flag=True, help="Show the version and exit.")
def group(version: bool) -> None:
    """Answer --version beside other arguments; alone it never comes here."""
    if version:
        from wsanalyze.cli.main import main

        raise click.exceptions.Exit(main(["--version"]))


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status; each foreseen error is one line on stderr."""
    # Out of our own environment before anything is loaded: pyarrow has a libcurl that makes this
    # file and writes to it, as root one that a browser then may not write to.
    usual_keylog = os.environ.pop("SSLKEYLOGFILE", "")
    try:
        with group.make_context("wsanalyze", arguments, obj=usual_keylog) as context:
            status = group.invoke(context)
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except Failure as error:
        say(error.message)
        return error.status
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except UsageError as error:
        say(str(error))
        return USAGE
    except StorageError as error:
        say(str(error))
        return UNWRITABLE
    except CaptureError as error:
        for each in (error, *error.others):
            say(str(each))
        return UNREADABLE
    return status if isinstance(status, int) else 0
