"""Modules that are loaded before root is given up: who we are then may not be able to read them.

Elsewhere they are loaded when they are first used, so that nobody waits for what is not needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

# Who reads what may come.
READERS = (
    "wsanalyze.checks.contents",
    "wsanalyze.layers.http2",
    "wsanalyze.layers.tls",
    "wsanalyze.layers.tls_blind",
    "wsanalyze.tls.ciphers",
    "wsanalyze.tls.rsa_keys",
)
# Who makes tables, in a folder or in memory.
TABLES = (
    "wsanalyze.tables.parts",
    "wsanalyze.tables.batches",
    "pyarrow.compute",
    "pyarrow.parquet",
)


def load_ahead(*, tables: bool, others: Iterable[str] = ()) -> None:
    """Load what a session may need, and `others`, where we are root, and may be so no longer soon.

    What is not installed is left out, as it would be later.
    """
    if os.geteuid() != 0:
        return
    for name in (*READERS, *(TABLES if tables else ()), *others):
        with suppress(ImportError):
            import_module(name)
