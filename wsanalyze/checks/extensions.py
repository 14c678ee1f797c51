"""Extension negotiation (EXT): what was offered, what was chosen, whether it is kept to."""

from __future__ import annotations
