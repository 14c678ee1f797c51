"""Consoles of rich, as every command has them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Columns where there is no terminal and nobody says how many: as the documents show outputs.
WIDTH = 100


def console_of(*, no_color: bool, to_file: bool = False) -> Console:
    """Return a console for standard output, or for text that goes `to_file`."""
    from rich.console import Console

    # rich looks at NO_COLOR, COLUMNS and whether this is a terminal by itself.
    told = bool(os.environ.get("COLUMNS", "").isdigit()) or (sys.stdout.isatty() and not to_file)
    return Console(
        file=sys.stdout,
        width=None if told else WIDTH,
        no_color=no_color or None,
        force_terminal=False if to_file else None,
        highlight=False,
        markup=False,
    )
