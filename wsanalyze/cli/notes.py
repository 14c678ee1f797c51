"""What is said beside the data: lines on standard error."""

from __future__ import annotations

import sys

from wsanalyze.views.escape import visible


def say(message: str) -> None:
    """Print one line on stderr, whatever is in the message."""
    print("wsanalyze: " + visible(" ".join(message.split())), file=sys.stderr)
