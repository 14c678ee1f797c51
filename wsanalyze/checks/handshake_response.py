"""The opening handshake's response (HSR): what a server must answer, and refusals."""

from __future__ import annotations
