"""Options that mean the same in every command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click

from wsanalyze.limits import Limits
from wsanalyze.views.escape import visible

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = Limits()


class LimitType(click.ParamType[tuple[str, int]]):
    """`name=value`, where name is a field of Limits and value a positive integer."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return the name and the number."""
        if isinstance(value, tuple):
            return value
        name, _, text = str(value).partition("=")
        names = [each.name for each in fields(Limits)]
        if name not in names:
            self.fail(f"{name!r} is no limit: it must be one of {', '.join(names)}", param, ctx)
        # Not int(): that would take `1_000`, ` 5 ` and digits of other scripts.
        if not (text.isascii() and text.isdigit()) or not 0 < int(text[:20]) < 1 << 62:
            self.fail(f"write {name}=NUMBER with a positive number, not {value!r}", param, ctx)
        return name, int(text)


class WholeRange(click.IntRange):
    """A whole number in a range: click tells of no `integer range` but to who knows it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        try:
            int(value)
        except ValueError:
            text = visible(str(value), 60)
            self.fail(f"it wants a whole number, and {text!r} is none", param, ctx)
        return int(super().convert(value, param, ctx))


class FiniteRange(click.FloatRange):
    """A number in a range: click takes `nan` for one in any."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value!r} is not a number that can be counted to", param, ctx)
        return number


def limits_of(pairs: tuple[tuple[str, int], ...]) -> Limits:
    """Return the limits with those replaced that were given."""
    return replace(DEFAULTS, **dict(pairs))


def keylogs_of(given: tuple[str, ...], *, waits: bool = False) -> list[Path]:
    """Return the key logs that were named, else the one of $SSLKEYLOGFILE if it is there.

    `waits`: likewise where it is not there yet.
    """
    if given:
        return [Path(each) for each in given]
    # `run` has taken it out of the environment.
    usual = click.get_current_context().obj or ""
    is_there = bool(usual) and Path(usual).is_file()
    return [Path(usual)] if is_there or (usual and waits and not Path(usual).exists()) else []


captures = click.argument("captures", nargs=-1, required=True, metavar="CAPTURE…", type=str)
connection = click.option(
    "-c",
    "--connection",
    "numbers",
    type=WholeRange(min=0),
    multiple=True,
    metavar="N",
    help="Only this connection; repeatable.",
)
where = click.option(
    "--where",
    metavar="EXPR",
    help="Only connections for which EXPR holds, such as 'status == 403 or \"chat\" in target'.",
)
limit = click.option(
    "--limit",
    "limits",
    type=LimitType(),
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a limit, such as flows=1000000; repeatable.",
)
keylog = click.option(
    "--keylog",
    "keylogs",
    type=click.Path(),
    multiple=True,
    metavar="FILE",
    help="Secrets of TLS, or a server's RSA key; repeatable.  [default: $SSLKEYLOGFILE]",
)
quiet = click.option("-q", "--quiet", is_flag=True, help="No progress and no notes.")
verbose = click.option("-v", "--verbose", is_flag=True, help="Say more when something fails.")


def reading(function: F) -> F:
    """Add what every command that reads captures has."""
    for decorate in (verbose, quiet, keylog, limit, where, connection, captures):
        function = decorate(function)
    return function
