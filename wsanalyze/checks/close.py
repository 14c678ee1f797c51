"""The closing handshake (CLS), and who cut a connection that had none."""

from __future__ import annotations
