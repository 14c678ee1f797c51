"""Where the command `wsanalyze` starts, and where every error becomes one line."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from collections.abc import Sequence

# sysexits.h: EX_SOFTWARE.
INTERNAL_ERROR = 70
# sysexits.h: EX_OSERR, what the system does not give.
OUT_OF_MEMORY = 71
INTERRUPTED = 130
# sysexits.h: EX_IOERR.
UNWRITABLE = 74
# 128 + SIGPIPE, what a shell reports of any program whose reader left.
READER_LEFT = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; nothing is raised."""
    if arguments is not None:
        return _main(list(arguments))
    if sys.argv[1:2] == ["live"]:
        _let_ctrl_c_end_it()
    # A command lives shortly and leaves no cycles worth looking for: walking over everything that
    # was imported took a tenth of the time of a small capture, at the end once more.
    gc.disable()
    # numpy starts a thread for each further core, for linear algebra that nobody does here; they
    # spin at first, which took a quarter of the time of a small export.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _open_what_is_closed()
    _say_what_can_be_said()
    status = _main(sys.argv[1:])
    gc.freeze()
    return status


def _main(given: list[str]) -> int:
    _encode_anything()
    try:
        status = _version() if given in (["--version"], ["-V"]) else _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        status = READER_LEFT
    except KeyboardInterrupt:
        print("wsanalyze: interrupted", file=sys.stderr)
        status = INTERRUPTED
    except MemoryError:
        status = _out_of_memory()
    except OSError as error:
        status = _unwritable(error)
    except Exception as error:  # noqa: BLE001 - the one guard: a user never sees a traceback unasked
        status = _internal_error(error, given)
    return status


def _let_ctrl_c_end_it() -> None:
    """Let SIGINT end what has not begun yet, before anything takes its time to be imported.

    Shells switch it off for what a script runs in the background, and what comes before a session
    takes its own care of it would be lost. An exception would not do: modules that are being
    imported, and callbacks of the interpreter, swallow some.
    """
    import signal

    signal.signal(signal.SIGINT, _end_at_once)


def _end_at_once(*_signal: object) -> None:
    import select

    try:
        # Who does not read what is said keeps nothing from ending.
        if select.select([], [2], [], 0)[1]:
            os.write(2, b"wsanalyze: interrupted\n")
    finally:
        os._exit(INTERRUPTED)


def _open_what_is_closed() -> None:
    """Give closed output streams an end, so that no file opened later takes their place.

    Without standard error nobody is told anything; writing to a closed standard output fails.
    """
    if sys.stdout is None:
        nothing = os.open(os.devnull, os.O_RDONLY)
        sys.stdout = io.TextIOWrapper(io.FileIO(nothing, "w", closefd=False))
    if sys.stderr is None:
        nobody = os.open(os.devnull, os.O_WRONLY)
        sys.stderr = io.TextIOWrapper(io.FileIO(nobody, "w", closefd=False))


def _say_what_can_be_said() -> None:
    """Let no line on standard error fail: what is said there is never all that is done."""
    from wsanalyze.cli.notes import Unheard

    raw = Unheard(sys.stderr.fileno(), "w", closefd=False)
    buffered = io.BufferedWriter(raw)
    sys.stderr = io.TextIOWrapper(buffered, sys.stderr.encoding, line_buffering=True)


def _encode_anything() -> None:
    """Let a character that the terminal's encoding lacks become an escape, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _version() -> int:
    # This answer must come at once, so neither click nor anything heavy is imported for it.
    from wsanalyze import __version__
    from wsanalyze.cli.kernels import kernels, state

    print(f"wsanalyze {__version__} ({state(kernels())})")
    return 0


def _run(arguments: list[str]) -> int:
    from wsanalyze.cli.commands import run

    return run(arguments)


def _forget_stdout() -> None:
    """Give stdout another end, so that Python's own flush at exit does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _unwritable(error: OSError) -> int:
    """Report an output that cannot be written: what fails in reading was reported before."""
    from wsanalyze.cli.notes import say

    closed = error.errno == errno.EBADF
    name = f"{error.filename}: " if error.filename else ""
    say("standard output is closed" if closed else f"{name}{error.strerror or error}")
    _forget_stdout()
    return UNWRITABLE


def _out_of_memory() -> int:
    """Report that rows do not fit: a capture of 30 MB may have fourteen million frames."""
    from wsanalyze.cli.notes import say

    say("not enough memory for what was asked; `summary` and `check` need little")
    return OUT_OF_MEMORY


def _internal_error(error: Exception, arguments: list[str]) -> int:
    from wsanalyze.cli.notes import say

    verbose = any(each in ("-v", "--verbose") for each in arguments)
    if verbose:
        import traceback

        traceback.print_exc()
    advice = "" if verbose else " (-v shows more)"
    say(f"internal error, please report it: {type(error).__name__}: {error}{advice}")
    return INTERNAL_ERROR
