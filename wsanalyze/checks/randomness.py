"""Randomness (SEC-06 to SEC-09): handshake keys and masking keys that can be predicted."""

from __future__ import annotations
