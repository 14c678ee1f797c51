"""Exit statuses, and errors that carry one."""

from __future__ import annotations

import click

DONE = 0
# `check` found something that was not to be there, or `verify` a difference.
FOUND = 1
USAGE = 2
UNREADABLE = 3
PARTLY = 4
# sysexits.h: EX_IOERR.
UNWRITABLE = 74
# 128 + SIGINT, as shells have it.
INTERRUPTED = 130
# 128 + SIGPIPE, what a shell reports of any program whose reader left.
READER_LEFT = 141


class Failure(click.ClickException):
    """An error of one line that ends the run with `status`."""

    def __init__(self, message: str, status: int) -> None:
        """Take the line and the exit status."""
        super().__init__(message)
        self.status = status
