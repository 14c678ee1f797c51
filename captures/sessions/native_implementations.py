"""Implementations in Go, C, C++, Java and Qt among themselves: each client with each server.

The peers are compiled into the scratch folder. Those made with gorilla/websocket, Boost.Beast and
websocketpp print what they send and receive; their lines become journals here. libwebsockets, Java
and Qt do not tell an application all of it, so they talk with those that do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from recording.journal import CONTROL_TYPES, Header, Journal, Peers, Pen, Side
from recording.processes import running, start
from recording.stage import SCRIPTS, Session, Stage

SECONDS = 30.0
HOST = "127.0.0.1"
OPCODES = {kind: opcode for opcode, kind in CONTROL_TYPES.items()}

GO = ("go", "build", "-o", "gorilla", str(SCRIPTS / "gorilla_peer.go"))
#: Debian has the libraries of Go here, without modules.
GO_LIBRARIES = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
CPP = ("g++", "-std=c++17", "-pthread", "-o")
COMPILERS = (
    GO,
    (*CPP, "beast", str(SCRIPTS / "beast_peer.cpp")),
    (*CPP, "websocketpp", str(SCRIPTS / "websocketpp_peer.cpp"), "-lz"),
    ("gcc", "-o", "libwebsockets", str(SCRIPTS / "libwebsockets_peer.c"), "-lwebsockets"),
)
QT = ("/usr/bin/python3", str(SCRIPTS / "qt_peer.py"))
JAVA = ("java", str(SCRIPTS / "EchoClient.java"))

#: Servers and their ports; the peers of the first three keep journals.
PORTS = {"gorilla": 9251, "beast": 9252, "websocketpp": 9253, "libwebsockets": 9254, "qt": 9255}
TELLING = ("gorilla", "beast", "websocketpp")
#: Those that a client of another library tells to close, and that talk longest.
PAIRS = (("gorilla", "beast"), ("beast", "websocketpp"), ("websocketpp", "gorilla"))
TOLD = (*PAIRS, ("websocketpp", "libwebsockets"), ("beast", "qt"))


async def compile_peers(scratch: Path, commands: Sequence[Sequence[str]] = COMPILERS) -> None:
    """Compile the peers into the scratch folder, one after the other."""
    environment = os.environ | GO_LIBRARIES | {"GOCACHE": str(scratch / "go-cache")}
    for command in commands:
        process = await start(*command, cwd=scratch, env=environment)
        if await process.wait() != 0:
            raise RuntimeError(f"{command[-1]} does not compile")


def head_of(line: str) -> tuple[list[str], list[Header]]:
    """Return the words of a head's first line, and its fields."""
    first, *fields = bytes.fromhex(line[1:]).decode("latin-1").strip().split("\r\n")
    pairs = (field.partition(":") for field in fields)
    return first.split(" "), [(name, value.strip()) for name, _, value in pairs]


def note(pen: Pen, time: int, event: str, facts: list[str]) -> None:
    """Write the event of one printed line."""
    if event == "request":
        words, fields = head_of(facts[0])
        pen.request(words[1], fields, time=time)
    elif event == "response":
        words, fields = head_of(facts[0])
        pen.response(int(words[1]), fields, time=time)
    elif event == "open":
        pen.note("open", time=time)
    else:
        sender: Side = "client" if facts[0] == "client" else "server"
        data = bytes.fromhex(facts[2][1:])
        if event == "control":
            pen.control(sender, OPCODES[facts[1]], data, time=time)
        else:
            pen.message(sender, data.decode() if facts[1] == "text" else data, time=time)


def write_journal(journal: Journal, lines: Path, server_port: int) -> None:
    """Write what a program printed: lines of TIME CLIENT_PORT EVENT FACT…"""
    pens: dict[str, Pen] = {}
    for line in lines.read_text(encoding="ascii").splitlines():
        time, client_port, event, *facts = line.split(" ")
        if client_port not in pens:
            peers = Peers(HOST, int(client_port), HOST, server_port)
            pens[client_port] = journal.exchange(peers)
        note(pens[client_port], int(time), event, facts)


@asynccontextmanager
async def server(stage: Stage, name: str) -> AsyncIterator[None]:
    """Run a server; write its journal, if it tells, when it has ended."""
    port = PORTS[name]
    command = QT if name == "qt" else (str(stage.scratch / name),)
    printed = stage.scratch / f"{name}-server.lines"
    with printed.open("wb") as file:
        async with running(port, *command, "server", str(port), stdout=file):
            yield
    if name in TELLING:
        write_journal(stage.journal("server"), printed, port)


async def client(stage: Stage, *command: str, port: int) -> None:
    """Run a client to its end, and write the journal of what it printed."""
    printed = stage.scratch / "client.lines"
    with printed.open("wb") as file:
        process = await start(*command, stdout=file)
        if await asyncio.wait_for(process.wait(), SECONDS) != 0:
            raise RuntimeError(f"{command} failed")
    if printed.stat().st_size:
        write_journal(stage.journal("client"), printed, port)


async def converse(stage: Stage, name: str, to: str, way: str) -> None:
    """Let a client that keeps a journal talk to a server."""
    url = f"ws://{HOST}:{PORTS[to]}/{name}-to-{to}-{way}"
    await client(stage, str(stage.scratch / name), "client", url, way, port=PORTS[to])


async def play(stage: Stage) -> None:
    """Clients that tell with all servers, then the others with the servers that tell."""
    await compile_peers(stage.scratch)
    async with AsyncExitStack() as servers:
        for name in PORTS:
            await servers.enter_async_context(server(stage, name))
        for name in TELLING:
            for to in PORTS:
                await converse(stage, name, to, "plain")
                # libwebsockets aborts at an empty message as Beast compresses it.
                if (name, to) != ("beast", "libwebsockets"):
                    await converse(stage, name, to, "deflate")
        for pair in TOLD:
            await converse(stage, *pair, "told")
        for pair in PAIRS:
            await converse(stage, *pair, "long")
        for to in TELLING:
            port = PORTS[to]
            for way in ("plain", "deflate"):
                path = f"/libwebsockets-to-{to}-{way}"
                program = str(stage.scratch / "libwebsockets")
                await client(stage, program, "client", str(port), path, way, port=port)
            await client(stage, *QT, "client", f"ws://{HOST}:{port}/qt-to-{to}", port=port)
            await client(stage, *JAVA, f"ws://{HOST}:{port}/java-to-{to}", port=port)


SESSIONS = (
    Session(
        "native-implementations",
        "implementations in Go, C, C++, Java and Qt: five servers, six clients; messages of all "
        "kinds, in fragments, plain and with permessage-deflate, a ping, closes of either end",
        play,
        (
            "gorilla/websocket",
            "go",
            "Boost",
            "websocketpp",
            "g++",
            "libwebsockets",
            "Qt WebSockets",
            "java",
        ),
    ),
)
