"""What runs in a process of its own: pyshark, which runs tshark; one JSON value a line comes out.

    python -P dissecting.py TSHARK CAPTURE PACKETS PARENT [KEYLOG]

First an object with the versions of both. Then for each packet with WebSocket frames or a 101 a
list: its number, tcp.stream, the sender's port, whether there is a 101 in it, and the frames, each
as FIN, RSV, opcode, masking key (null: none) and length. At the end an object that says what went
wrong.

It imports nothing of wsanalyze: it is run by path. `asyncio` is all its own here, whatever loop
runs in a notebook that asked for it.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1

FILTER = "websocket || http.response.code == 101"
# Of a packet's tree nothing else is written: payloads alone would make it four times as long.
PROTOCOLS = "tcp http websocket"
PREFERENCES = {"tcp.desegment_tcp_streams": "TRUE", "tcp.reassemble_out_of_order": "TRUE"}
# Seconds for tshark to be gone once it has closed its output.
PATIENCE = 5


def die_with(parent: int) -> None:
    """Have this process killed when its parent dies, however that happens (Linux: prctl(2))."""
    if sys.platform != "linux":
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died before it could be told apart: nobody waits for this any more.
        os._exit(1)


# Looked up before any fork: between fork and exec nothing may be loaded.
_prctl: Any = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose programs die with this process, which pyshark has no argument for."""

    async def subprocess_exec(self, *arguments: Any, **options: Any) -> Any:
        """Start a program."""
        me = os.getpid()
        return await super().subprocess_exec(*arguments, **options, preexec_fn=lambda: die_with(me))


def main(tshark: str, capture: str, packets: int, keylog: str = "") -> None:
    """Write what tshark shows of the first packets (0: all) of a capture."""
    try:
        from pyshark.tshark.tshark import get_tshark_version

        version = str(get_tshark_version(tshark))
        _write({"tshark": version, "pyshark": metadata.version("pyshark")})
        problem = _dissect(tshark, capture, packets, keylog)
    except Exception as error:  # noqa: BLE001 - whatever it is, who waits for this wants to know
        problem = f"{type(error).__name__}: {error}"
    _write({"problem": problem})


def _dissect(tshark: str, path: str, packets: int, keylog: str) -> str | None:
    """Write the packets; return tshark's own words where it failed."""
    import pyshark

    class Reading(pyshark.FileCapture):  # type: ignore[misc,unused-ignore]
        """A capture that lets tshark end by itself; pyshark kills it, and its status is lost."""

        status: int | None = None

        async def _cleanup_subprocess(self, process: Any) -> None:
            try:
                self.status = await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                await super()._cleanup_subprocess(process)

    loop = Loop()
    asyncio.set_event_loop(loop)
    reading = Reading(
        path,
        keep_packets=False,
        display_filter=FILTER,
        tshark_path=tshark,
        override_prefs=PREFERENCES | ({"tls.keylog_file": keylog} if keylog else {}),
        custom_parameters=["-j", PROTOCOLS, *(["-c", str(packets)] if packets else [])],
        eventloop=loop,
    )
    for packet in reading:
        _write(_facts(packet))
    reading.close()
    if reading.status == 0:
        return None
    return str(reading._last_error_line or f"tshark ended with status {reading.status}")


def _facts(packet: Any) -> list[Any]:
    stream = port = 0
    answered = False
    frames = []
    for layer in packet.layers:
        name = layer.layer_name
        if name == "tcp":
            # Of TCP in TCP the innermost one, which stands last.
            stream, port = int(layer.stream), int(layer.srcport)
        elif name == "http":
            answered = answered or layer.get_field("http.response") is not None
        elif name == "websocket":
            frames += list(_frames(layer))
    return [int(packet.number), stream, port, answered, frames]


def _frames(layer: Any) -> Iterator[list[int | None]]:
    """Yield the one frame of a layer; none where tshark gave up within its header."""
    texts = [
        layer.get_field(f"websocket.{name}")
        for name in (
            "fin",
            "rsv",
            "opcode",
            "masking_key",
            "payload_length_ext_64",
            "payload_length_ext_16",
            "payload_length",
        )
    ]
    fin, rsv, opcode, key, *lengths = (None if text is None else str(text) for text in texts)
    length = next((text for text in lengths if text is not None), None)
    if fin is None or rsv is None or opcode is None or length is None:
        return
    masking_key = None if key is None else int(key.replace(":", ""), 16)
    yield [int(fin, 0), int(rsv, 0), int(opcode, 0), masking_key, int(length, 0)]


def _write(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    die_with(int(sys.argv[4]))
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[5:6])
