"""Intermediaries (PRX): what was stripped, answered, delayed or cut on the way."""

from __future__ import annotations
