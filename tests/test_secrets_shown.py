"""A secret is sent in every place that is known to show one, and no command shows it unasked."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from cli.running import COMMAND, SECONDS, environment, run
from hpack import Encoder
from report.pages import embedded_in
from support.http2 import (
    ENABLED,
    END_HEADERS,
    END_STREAM,
    GET,
    HEADERS,
    REQUEST,
    SETTINGS,
    h2,
)
from support.packets import ACK, FIN, SYN, Packet, pcap_of, segment
from support.sessions import CLOSE, frame, http, masked, request, response

import wsanalyze
from wsanalyze.http2.frames import PREFACE

# Its beginning may be shown, to find it again; what is behind that nobody may see.
SECRET = "Zq7xT0marker4Kq9vLm2Wd8"  # noqa: S105 - nobody has it
HIDDEN = SECRET[6:]
LOGIN = f"anna:{SECRET}"
BASIC = base64.b64encode(LOGIN.encode()).decode()

Talk = list[tuple[int, bytes]]

OPENED: Talk = [(0, request()), (1, response())]
SESSION: Talk = [*OPENED, (0, masked(b"hello")), (1, frame(b"world"))]
LET_THROUGH = http("HTTP/1.1 200 Connection established")


def asked(*lines: str, target: str = "/chat", version: str = "13") -> bytes:
    """Return an upgrade request."""
    plain = request(*lines, target=target)
    return plain.replace(b"Version: 13", b"Version: " + version.encode())


def connect(target: str, *lines: str) -> bytes:
    """Return the head of a CONNECT."""
    return http(f"CONNECT {target} HTTP/1.1", "Host: chat.example:80", *lines)


FIELDS = (
    f"X-Proxy-Authorization: Basic {BASIC}",
    f"X-Api-Key: {SECRET}",
    f"X-CSRF-Token: {SECRET}",
    f"X-Client-Secret: {SECRET}",
    f"X-Auth: {SECRET}",
    f"X-Session-Id: {SECRET}",
    f"Cookie: sid={SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"Referer: https://a.example/?ticket={SECRET}",
)

TALKS: dict[str, Talk] = {
    "fields": [(0, asked(*FIELDS)), (1, response(f"Set-Cookie: sid={SECRET}")), *SESSION[2:]],
    "a field folded onto the version": [
        (0, asked(version=f"13\r\n Proxy-Authorization: Basic {BASIC}")),
        (1, response()),
    ],
    "a field folded onto the version, with another blank": [
        (0, asked(version=f"13\r\n\tX-Api-Key: {SECRET}")),
        (1, response()),
    ],
    "the target in absolute form": [
        (0, asked(target=f"ws://{LOGIN}@chat.example/room?token={SECRET}")),
        *SESSION[1:],
    ],
    "Host": [
        (0, request().replace(b"Host: ", f"Host: {LOGIN}@".encode())),
        *SESSION[1:],
    ],
    "the target's query": [(0, asked(target=f"/chat?access_token={SECRET}")), *SESSION[1:]],
    "a login of a CONNECT": [(0, connect(f"{LOGIN}@chat.example:80")), (1, LET_THROUGH), *SESSION],
    "a blank in it": [
        (0, connect(f"anna:pa {SECRET}@chat.example:80")),
        (1, LET_THROUGH),
        *SESSION,
    ],
    "a blank behind it": [
        (0, connect(f"anna:{SECRET} @chat.example:80")),
        (1, LET_THROUGH),
        *SESSION,
    ],
    "the query of a CONNECT": [
        (0, connect(f"chat.example:80/?token={SECRET}")),
        (1, LET_THROUGH),
        *SESSION,
    ],
    "fields of a CONNECT": [
        (0, connect("chat.example:80", *FIELDS, f"Proxy-Authorization: Basic {BASIC}")),
        (1, LET_THROUGH),
        *SESSION,
    ],
    "the place that a proxy names": [
        (0, connect("chat.example:80")),
        (
            1,
            http(
                "HTTP/1.1 302 Found",
                f"Location: https://login.example/?token={SECRET}",
                f"Set-Cookie: sid={SECRET}",
                "Content-Length: 0",
            ),
        ),
    ],
    "a redirect": [
        (0, asked()),
        (
            1,
            http(
                "HTTP/1.1 302 Found",
                f"Location: wss://{LOGIN}@chat.example/?token={SECRET}",
                "Content-Length: 0",
            ),
        ),
    ],
    "a request in the place of frames": [
        *SESSION,
        (0, http(f"GET /?token={SECRET} HTTP/1.1", f"Authorization: Bearer {SECRET}", *FIELDS)),
    ],
    "a response in the place of frames": [
        *SESSION,
        (1, http("HTTP/1.1 200 OK", f"Set-Cookie: sid={SECRET}", f" {SECRET}")),
    ],
}


def over_http2(*fields: tuple[str, str]) -> Talk:
    """Return a WebSocket over HTTP/2, and another request beside it."""
    client, server = Encoder(), Encoder()
    flags = END_HEADERS | END_STREAM
    return [
        (0, PREFACE + h2(SETTINGS)),
        (1, h2(SETTINGS, 0, 0, ENABLED)),
        (0, h2(SETTINGS, 1)),
        (0, h2(HEADERS, END_HEADERS, 1, client.encode(REQUEST))),
        (1, h2(HEADERS, END_HEADERS, 1, server.encode([(":status", "200")]))),
        (0, h2(HEADERS, flags, 3, client.encode([*GET, *fields]))),
    ]


def opened(*lines: str, target: str = "/chat", version: str = "13") -> Talk:
    """Return a session whose request has these fields, this target and this version."""
    return [(0, asked(*lines, target=target, version=version)), *SESSION[1:]]


for _name in ("Host", "Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol"):
    for _fold in ("\r\n ", "\r\n\t", " ", "=", "|", "%0d%0a"):
        TALKS[f"a field folded onto {_name}, with {_fold!r}"] = [
            (
                0,
                request()
                .replace(f"\r\n{_name}: ".encode(), b"\r\nX-Was: ")
                .replace(
                    b"\r\n\r\n",
                    f"\r\n{_name}: chat{_fold}Authorization: Basic {BASIC}\r\n\r\n".encode(),
                ),
            ),
            *SESSION[1:],
        ]
_PLACES = ("Origin", "Link", "Refresh", "Via", "Forwarded", "X-Original-URL", "X-Forwarded-Uri")
for _name in (*_PLACES, "X-Foo"):
    for _value in (
        f"https://{LOGIN}@a.example/x",
        f"https://a.example/x?token={SECRET}",
        f"Bearer {SECRET}",
        f"Basic {BASIC}",
    ):
        TALKS[f"{_name}: {_value}"] = opened(f"{_name}: {_value}")
for _target in (
    f"anna:{SECRET}@chat.example:80",
    f"ws://anna:pa/{SECRET}@chat.example/chat",
    f"//{LOGIN}@chat.example/chat",
    f"/chat;jsessionid={SECRET}",
    f"/chat?code={SECRET}",
    f"/chat?access%5Ftoken={SECRET}",
    f"/chat?token%3D{SECRET}",
    f"/chat?token[]={SECRET}",
    f"/chat?next=https%3A%2F%2Fa.example%2F%3Ftoken%3D{SECRET}",
    f"/chat?next=https%3A%2F%2Fanna%3A{SECRET}%40a.example",
    f"ws://anna:p@{SECRET}@chat.example/chat",
):
    TALKS[f"the target {_target}"] = opened(target=_target)
for _name in (
    *("X-Functions-Key", "X-MS-CLIENT-PRINCIPAL", "X-Pass", "X-User-Pw", "X-Otp", "X-Pin"),
    *("X-Ticket", "X-Key", "X-Sid", "XAUTH", "X-OAuth", "Authentication", "X-Bearer"),
):
    TALKS[f"the field {_name}"] = opened(f"{_name}: {SECRET}")
for _name in ("Connection", "Upgrade", "Origin", "Via", "User-Agent", "Sec-WebSocket-Extensions"):
    TALKS[f"a field folded onto {_name}, behind a comma"] = opened(
        f"{_name}: x, Cookie: sid={SECRET}"
    )
TALKS["a parameter of an extension"] = opened(f"Sec-WebSocket-Extensions: x-auth; token={SECRET}")
TALKS["a parameter of the version"] = opened(version=f"13;token={SECRET}")
for _offered in (f"auth, {SECRET}", f"chat, token={SECRET}", f"api-key:{SECRET}"):
    TALKS[f"the subprotocols {_offered}"] = opened(f"Sec-WebSocket-Protocol: {_offered}")
    TALKS[f"the subprotocols {_offered} in the response"] = [
        (0, asked()),
        (1, response(f"Sec-WebSocket-Protocol: {_offered}")),
    ]
    TALKS[f"the subprotocols {_offered} in a refusal"] = [
        (0, asked()),
        (1, http("HTTP/1.1 400 No", f"Sec-WebSocket-Protocol: {_offered}", "Content-Length: 0")),
    ]
for _host in (f"{LOGIN}@chat.example", f"chat.example/?token={SECRET}"):
    TALKS[f"SOCKS5 asked for {_host}"] = [
        (0, b"\x05\x01\x00"),
        (1, b"\x05\x00"),
        (0, b"\x05\x01\x00\x03" + bytes([len(_host)]) + _host.encode() + b"\0P"),
        (1, b"\x05\x00\x00\x01" + bytes(6)),
        *SESSION,
    ]
    TALKS[f"SOCKS4a asked for {_host}"] = [
        (0, b"\x04\x01\0P\0\0\0\x01anna\0" + _host.encode() + b"\0"),
        (1, b"\0\x5a" + bytes(6)),
        *SESSION,
    ]
TALKS["a CONNECT in the place of frames"] = [*SESSION, (0, connect(f"{LOGIN}@a:80"))]
for _target in ("/", "%2F", "\\", "%3Ftoken=", "&token=", ",token="):
    TALKS[f"a CONNECT with a path behind {_target}"] = [
        (0, connect(f"chat.example:80{_target}{SECRET}")),
        (1, LET_THROUGH),
        *SESSION,
    ]
TALKS["Hixie-76"] = [
    (
        0,
        http(
            "GET /demo HTTP/1.1",
            "Host: example.com",
            "Connection: Upgrade",
            "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00",
            "Upgrade: WebSocket",
            "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5",
            f"Origin: http://{LOGIN}@example.com",
        )
        + b"^n:ds[4U",
    ),
    (
        1,
        http(
            "HTTP/1.1 101 WebSocket Protocol Handshake",
            "Upgrade: WebSocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Origin: http://{LOGIN}@example.com",
            f"Sec-WebSocket-Location: ws://{LOGIN}@example.com/demo?token={SECRET}",
        )
        + b"8jKS'y:G*Co,Wxa-",
    ),
]


def own_stream(name: str, value: str) -> Talk:
    """Return a WebSocket over HTTP/2 whose own request has this field."""
    talk = over_http2()
    return [
        *talk[:3],
        (0, h2(HEADERS, END_HEADERS, 1, Encoder().encode([*REQUEST, (name, value)]))),
        talk[4],
    ]


for _name in ("te", "connection", "upgrade"):
    for _value in (SECRET, f"Bearer {SECRET}"):
        TALKS[f"{_name}: {_value} of the WebSocket's own stream"] = own_stream(_name, _value)

for _name in ("te", "connection", "upgrade", "content-length", "X-Api-Key", "x-api-key ", "a b"):
    TALKS[f"{_name} over HTTP/2"] = over_http2((_name, f" {SECRET}"))
TALKS["a pseudo-header field"] = over_http2((":secret", SECRET))
TALKS["a path that is none"] = over_http2((":path", SECRET))

# Columns that have what was sent as it was sent, and say so (docs/tables.md).
AS_SENT = {
    "connections": {
        *("target", "host", "origin", "user_agent", "key"),
        *("subprotocol", "subprotocols_offered", "extensions_offered"),
    },
    "headers": {"value"},
}


def capture(talks: Iterable[Talk]) -> bytes:
    """Return a capture of one connection for each talk."""
    packets: list[Packet] = []
    for number, talk in enumerate(talks):
        ends = ("192.0.2.1", 40000 + number), ("198.51.100.2", 80)
        numbers = [1000, 5000]
        opening = [(0, b"", SYN), (1, b"", SYN | ACK), (0, b"", ACK)]
        closing = [(1, b"", FIN | ACK), (0, b"", FIN | ACK)]
        sent = [*opening, *((side, data, ACK) for side, data in talk), *closing]
        for side, data, flags in sent:
            place = (numbers[side], numbers[1 - side], flags, data)
            packets.append(segment(ends[side], ends[1 - side], *place))
            numbers[side] += len(data) + (flags & (SYN | FIN) > 0)
    return pcap_of(packets)


def leaks(text: str) -> list[str]:
    """Return the lines of a text that show the secret, in whatever way."""
    hexes = HIDDEN.encode().hex(), HIDDEN.encode().hex(" ")
    coded = BASIC[8:-8]
    return [line for line in text.splitlines() if any(x in line for x in (HIDDEN, coded, *hexes))]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the capture with all of them."""
    path = tmp_path_factory.mktemp("secrets") / "secrets.pcap"
    path.write_bytes(capture(TALKS.values()))
    return path


def test_each_place_is_read_as_one(path: Path) -> None:
    """Else nothing would be shown of it in any case."""
    analysis = wsanalyze.analyze(path)
    assert len(analysis.connections) == len(TALKS) - 1
    assert leaks(analysis.connections["tunnel"].dropna().to_string()) == []
    assert len(leaks(analysis.headers.to_string())) > len(FIELDS)


@pytest.mark.parametrize("code", [1008, 1010, 4001])
def test_a_close_that_repeats_it(code: int) -> None:
    """What messages say is shown, but findings show nothing of the handshake's secrets."""
    body = code.to_bytes(2, "big") + f"no such token: {SECRET}".encode()
    talk: Talk = [
        (0, asked(target=f"/chat?token={SECRET}")),
        (1, response()),
        (1, frame(body, CLOSE)),
        (0, masked(body[:2], CLOSE)),
    ]
    analysis = wsanalyze.analyze(io.BytesIO(capture([talk])))
    findings = analysis.findings[analysis.findings["check"].isin(["CLS-07", "CLS-11", "CLS-13"])]
    (told,) = findings.itertuples()
    assert "its reason is 'no such token: Zq7x\\u2026 (23 characters" in told.message.replace(
        "private use, ", "its reason is "
    )
    assert told.evidence == f"{body[:2].hex(' ')} …"
    assert leaks(repr(analysis.findings.to_dict())) == []


@pytest.mark.parametrize("name", TALKS)
def test_explained_and_drawn(name: str) -> None:
    analysis = wsanalyze.analyze(io.BytesIO(capture([TALKS[name]])))
    texts = [repr(analysis.findings.to_dict())]
    for connection in analysis:
        texts += [repr(analysis.explain(connection.number)), analysis.ladder(connection.number).svg]
    assert [leaks(text) for text in texts] == [[] for _ in texts]


@pytest.mark.parametrize(
    "arguments",
    [
        ("summary", "--all"),
        ("check", "--all"),
        ("check", "-f", "jsonl"),
        ("check", "-f", "sarif"),
        ("frames",),
    ],
    ids=" ".join,
)
def test_a_command(path: Path, arguments: tuple[str, ...]) -> None:
    command, *options = arguments
    if command == "frames":
        command, *options = "explain", "--frames", "0-5"
    done = run(command, path, *options, COLUMNS="250")
    assert done.stdout
    assert leaks(done.stdout + done.stderr) == []


def test_live(path: Path) -> None:
    with path.open("rb") as packets:
        done = subprocess.run(
            [*COMMAND, "live", "-", "--no-color"],
            stdin=packets,
            capture_output=True,
            encoding="utf-8",
            env=environment(COLUMNS="250"),
            timeout=SECONDS,
            check=True,
        )
    assert "established" in done.stdout
    assert leaks(done.stdout + done.stderr) == []


def test_report(path: Path) -> None:
    page = run("report", path, "-o", "-").stdout
    assert len(page) > 10_000
    assert leaks(json.dumps(embedded_in(page))) == leaks(page) == []


def test_export(path: Path, tmp_path: Path) -> None:
    assert run("export", path, "-o", tmp_path / "out", "-f", "jsonl").returncode == 0
    files = sorted((tmp_path / "out").glob("*.jsonl"))
    assert len(files) > 5
    for file in files:
        kept = AS_SENT.get(file.stem, set())
        for line in file.read_text().splitlines():
            row = {name: value for name, value in json.loads(line).items() if name not in kept}
            assert leaks(json.dumps(row)) == [], file.name


def test_all_is_shown_to_who_asks(path: Path) -> None:
    assert leaks(run("check", path, "--all", "--show-secrets").stdout)
    assert leaks(run("explain", path, "-c", "0", "--show-secrets").stdout)
