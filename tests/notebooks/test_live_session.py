"""`wsanalyze.live` in a Jupyter kernel, whose event loop is running: real traffic on loopback."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.live import needs_capture

nbclient = pytest.importorskip("nbclient")

from jupyter_client.manager import start_new_kernel  # noqa: E402 - it comes with nbclient
from nbformat.v4 import new_code_cell, new_notebook  # noqa: E402

pytestmark = needs_capture
ROOT = Path(__file__).resolve().parents[2]
PATH = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
SECONDS = 60

FIRST = """
import asyncio, threading, time
import wsanalyze
from support.ports import free_port
from support.talks import everyone

assert asyncio.get_event_loop().is_running()
port = free_port()

def listening(**options):
    return wsanalyze.live("lo", filter=f"tcp port {port}", **options)

def told(events):
    kinds = [event.kind for event in events]
    return {kind: kinds.count(kind) for kind in ("established", "refused", "message", "ended")}
"""
# Of one round of `everyone`: six that chat, one that vanishes, one that is refused.
TOLD = {"established": 7, "refused": 1, "message": 62, "ended": 8}


@pytest.fixture(autouse=True)
def _finds_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", PATH)


def executed(*cells: str) -> list[str]:
    """Execute cells behind FIRST in a kernel of their own; return what each prints."""
    notebook = new_notebook(
        cells=[new_code_cell(textwrap.dedent(each)) for each in (FIRST, *cells)]
    )
    nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3").execute()
    return [
        "".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells[1:]
    ]


def test_async_for_beside_the_traffic_of_the_same_loop() -> None:
    printed = executed(
        """
        with listening(duration=30) as session:
            talking = asyncio.create_task(everyone(port))
            talking.add_done_callback(lambda _: session.stop())
            events = [event async for event in session]
        await talking
        print(told(events))
        """,
        "print(session.finished, session.statistics.received > 100)",
    )
    assert printed == [f"{TOLD}\n", "True True\n"]


def test_for_in_one_cell_and_again_in_the_next() -> None:
    """The first cell leaves its loop; the second goes on where it was."""
    printed = executed(
        """
        session = listening(until_closed=True, duration=30)
        talking = threading.Thread(target=lambda: asyncio.run(everyone(port)))
        talking.start()
        events = []
        for event in session:
            events.append(event)
            if event.kind == "message":
                break
        print(events[-1].kind, session.finished)
        """,
        """
        events += session
        talking.join()
        session.close()
        print(told(events), session.finished)
        """,
    )
    assert printed == ["message False\n", f"{TOLD} True\n"]


def test_tables_in_a_cell_while_it_goes_on() -> None:
    printed = executed(
        """
        session = listening(keep=True, duration=30)
        events = []
        async def follow():
            async for event in session:
                events.append(event)
        following = asyncio.create_task(follow())
        await everyone(port)
        while told(events)["ended"] < 8:
            await asyncio.sleep(0.05)
        """,
        """
        tables = session.tables()
        print(len(tables.connections), len(tables.messages), session.finished)
        session.stop()
        await following
        session.close()
        print(session.finished)
        """,
    )
    assert printed == ["", "8 62 False\nTrue\n"]


@pytest.fixture
def kernel() -> Iterator[tuple[Any, Any]]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("how", ["for", "async for"])
def test_who_interrupts_a_cell_can_close_the_session_in_the_next(
    kernel: tuple[Any, Any], how: str
) -> None:
    manager, client = kernel
    assert client.execute_interactive(FIRST, timeout=SECONDS)["content"]["status"] == "ok"
    message = client.execute(
        f"session = listening()\nprint('begun', flush=True)\n{how} event in session: pass"
    )
    until_printed(client, "begun")
    time.sleep(0.5)
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=SECONDS)
    while reply["parent_header"].get("msg_id") != message:
        reply = client.get_shell_msg(timeout=SECONDS)
    assert reply["content"]["status"] == "error"
    assert reply["content"]["ename"] in ("KeyboardInterrupt", "CancelledError")
    closing = "session.close()\nassert session._session.finished\nassert list(session) == []"
    after = client.execute_interactive(closing, timeout=SECONDS)
    assert after["content"]["status"] == "ok"


def until_printed(client: Any, text: str) -> None:
    while True:
        message = client.get_iopub_msg(timeout=SECONDS)
        if text in message["content"].get("text", ""):
            return
