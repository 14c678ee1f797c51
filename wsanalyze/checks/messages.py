"""Messages (MSG): fragmentation, text, and content that contradicts its opcode."""

from __future__ import annotations
