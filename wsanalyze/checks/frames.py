"""Frame headers (FRM): masks, reserved bits and opcodes, lengths."""

from __future__ import annotations
