"""The opening handshake's request (HSQ): what a client must ask, and how."""

from __future__ import annotations
