"""Versions before RFC 6455 (LEG): Hixie-75, Hixie-76 and the HyBi drafts."""

from __future__ import annotations
