"""Where a session is played: its network namespace, its journals, its sniffer, its processes."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from recording.journal import Journal, Side
from recording.processes import ScriptPeer, start
from recording.sniffer import Format, Sniffer, deliver, inject, program, suffix
from recording.software import plain, version_of
from recording.truth import connections_of, read_journals, truth_text
from recording.websockets_log import websockets_logger

CAPTURES = Path(__file__).resolve().parent.parent
SCRIPTS = CAPTURES / "sessions"
#: Ports that no Wireshark dissector claims, so that tshark can be asked for a second opinion.
CLIENT_PORTS = "40001 40999"


@dataclass(frozen=True)
class Session:
    """One session: its name (the capture's), what it shows, how it is played and recorded."""

    name: str
    shows: str
    play: Callable[[Stage], Awaitable[None]]
    software: tuple[str, ...]  #: besides Python and the sniffer (see `version_of`)
    file_format: Format = "pcapng"
    interface: str = "lo"
    also: str | None = None  #: the name of a second capture of the same packets, from elsewhere
    own_network: bool = False  #: `play` builds its network and starts the capture itself
    sniffing: tuple[str, ...] = ()  #: further options of the sniffer, then a filter
    partial: str = ""  #: what happened and is not in the capture; nothing, where that is all

    @property
    def names(self) -> list[str]:
        """The names of its captures."""
        return [self.name] if self.also is None else [self.name, self.also]

    @property
    def file_names(self) -> list[str]:
        """The file names of its captures."""
        return [name + suffix(self.file_format) for name in self.names]


def enter_namespace() -> None:
    """Prepare the network namespace that this process was started in: loopback, client ports."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(CLIENT_PORTS, encoding="ascii")


@dataclass
class Stage:
    """What a session's `play` function gets."""

    session: Session
    scratch: Path
    sniffers: list[Sniffer] = field(init=False)
    #: Files that belong beside the captures, by what comes behind the session's name there.
    beside: dict[str, Path] = field(default_factory=dict, init=False)
    _journals: list[Journal] = field(default_factory=list, init=False)
    _until: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Make a sniffer for each capture."""
        session = self.session
        paths = [self.scratch / name for name in session.file_names]
        kind, interface, missing = session.file_format, session.interface, bool(session.partial)
        self.sniffers = [
            Sniffer(kind, interface, path, more=session.sniffing, may_drop=missing)
            for path in paths
        ]

    @property
    def keylog(self) -> Path:
        """Where applications log their secrets of TLS; they are put into the pcapng captures."""
        return self.scratch / "keys.log"

    def journal(self, side: Side, *, sees_control: bool = True) -> Journal:
        """Return a journal for an application on this side."""
        path = self.scratch / f"{len(self._journals)}-{side}.jsonl"
        journal = Journal(path, side, sees_control=sees_control)
        self._journals.append(journal)
        return journal

    def logger(self, side: Side, tunnel: str | None = None) -> logging.Logger:
        """Return a logger for the library `websockets` that writes a journal of this side.

        `tunnel` is the way that a client takes through proxies.
        """
        return websockets_logger(self.journal(side), tunnel)

    async def node(self, script: str, side: Side, *arguments: object) -> ScriptPeer:
        """Start `sessions/SCRIPT` under Node, and return once it says that it is ready."""
        return await self.script("node", script, side, *arguments)

    async def script(self, program: str, script: str, side: Side, *arguments: object) -> ScriptPeer:
        """Start `sessions/SCRIPT` with a program, and return once it says that it is ready."""
        journal = self.scratch / f"{program}-{len(list(self.scratch.iterdir()))}-{side}.jsonl"
        process = await start(
            program,
            str(SCRIPTS / script),
            *map(str, arguments),
            env=os.environ | {"JOURNAL": str(journal), "SIDE": side},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        peer = ScriptPeer(script, process)
        await peer.ready()
        return peer

    async def start_capture(self) -> None:
        """Start the sniffers."""
        for sniffer in self.sniffers:
            await sniffer.start()

    async def stop_capture(self) -> None:
        """Stop the sniffers once no packet comes any more; a second call does nothing."""
        for sniffer in self.sniffers:
            await sniffer.stop()

    async def cut_capture(self) -> None:
        """Stop the sniffers now; what the applications note from here on is not in the capture."""
        await self.stop_capture()
        self._until = time.monotonic_ns()

    async def record(self) -> dict[str, object]:
        """Record the session; return its truth."""
        if not self.session.own_network:
            await self.start_capture()
        await self.session.play(self)
        await self.stop_capture()
        return self.truth()

    def truth(self) -> dict[str, object]:
        """Return the truth that the journals tell."""
        for journal in self._journals:
            journal.close()
        software = (*self.session.software, "python", program(self.session.file_format))
        events = read_journals(self.scratch.glob("*.jsonl"), self._until)
        partial = {"partial": self.session.partial} if self.session.partial else {}
        return {
            "shows": self.session.shows,
            **partial,
            "recorded": time.strftime("%Y-%m-%d", time.gmtime()),
            "software": {plain(name): version_of(name) for name in software},
            "connections": connections_of(events, captured_to_end=self._until is None),
        }

    async def record_into(self, directory: Path) -> None:
        """Record the session and put its captures, each with the truth, into `directory`."""
        truth = await self.record()
        for name, sniffer in zip(self.session.names, self.sniffers, strict=True):
            if self.keylog.exists():
                inject(self.keylog, sniffer.path)
            deliver(sniffer.path, directory / sniffer.path.name, self.session.file_format)
            text = truth_text({"capture": sniffer.path.name} | truth)
            (directory / f"{name}.truth.json").write_text(text, encoding="utf-8")
        for ending, path in self.beside.items():
            (directory / f"{self.session.name}{ending}").write_bytes(path.read_bytes())
