"""Transport and capture quality (TRN): what is missing, contradicts itself, or stalls."""

from __future__ import annotations
