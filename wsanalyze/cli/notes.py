"""What is said beside the data: lines on standard error."""

from __future__ import annotations

import io
import sys
from typing import Any

from wsanalyze.views.escape import visible


def say(message: str) -> None:
    """Print one line on stderr, whatever is in the message."""
    print("wsanalyze: " + visible(" ".join(message.split())), file=sys.stderr)


class Unheard(io.FileIO):
    """A file for standard error: where nobody can be told anything, nobody is.

    A full disk behind it changes nothing of what else is done, nor of the exit status.
    """

    def write(self, data: Any) -> int:
        """Write what can be written, and return that it was."""
        try:
            written = super().write(data)
        except OSError:
            written = None
        # None: there is no room, and it is a file that does not wait.
        return len(data) if written is None else written
