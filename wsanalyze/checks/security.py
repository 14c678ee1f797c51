"""Security (SEC) as far as traffic shows it: secrets in the clear, origins, contents."""

from __future__ import annotations
