"""What several sessions with the Python library `websockets` have in common."""

from __future__ import annotations

import logging
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidHandshake


async def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def expect_refusal(logger: logging.Logger, url: str, **options: Any) -> None:
    """Connect with `websockets`, which must refuse or be refused."""
    try:
        async with connect(url, ping_interval=None, logger=logger, **options):
            raise AssertionError(f"{url} was accepted")
    except InvalidHandshake:
        return
