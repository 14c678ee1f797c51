"""What strangers say to and as proxies steers nobody who looks: not a terminal, not a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from report.pages import data_of
from support.dialogues import SIGNATURE, login, methods, reply5, request4, request5
from support.packets import ACK, CLIENT, SERVER, SYN, pcap_of, segment
from support.sessions import frame, http, masked, request, response

import wsanalyze
from wsanalyze.analysis import Analysis
from wsanalyze.story.model import Story
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.ladder_svg import ladder_svg

Said = list[tuple[str, bytes]]
# A command of a terminal, an override of direction, the end of a script, a command to a CI service.
NASTY = b"\x1b[2J\x1b]0;x\x07\xe2\x80\xae</script>::error::##[error]x\xff\x00"
# In a head: without what would end it.
IN_HEAD = NASTY.replace(b"\x00", b"")
SESSION: Said = [
    ("client", request()),
    ("server", response()),
    ("client", masked(b"hello")),
    ("server", frame(b"world")),
]
OPENED: Said = [("server", http("HTTP/1.1 200 OK"))]


def capture(said: Said, folder: Path) -> Path:
    """Return a capture of what both sides say, in packets of at most 60,000 bytes."""
    packets = [segment(CLIENT, SERVER, 0, 0, SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    at = {"client": 1, "server": 1}
    for sender, data in said:
        ends = (CLIENT, SERVER) if sender == "client" else (SERVER, CLIENT)
        other = "server" if sender == "client" else "client"
        for start in range(0, len(data), 60_000):
            piece = data[start : start + 60_000]
            packets.append(segment(*ends, at[sender], at[other], ACK, piece))
            at[sender] += len(piece)
    path = folder / "hostile.pcap"
    path.write_bytes(pcap_of(packets))
    return path


def shown(stories: Sequence[Story]) -> list[str]:
    """Return everything that is shown of stories, and check that it only shows."""
    found = []
    for story in stories:
        for width in (40, 80, 200):
            lines = ["".join(text for text, _ in line) for line in explained_lines(story, width)]
            found += lines
        drawn = ladder_svg(story)
        ET.fromstring(drawn)  # noqa: S314 - our own
        found += drawn.splitlines()
    for line in found:
        assert all(character.isprintable() for character in line), ascii(line)
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "</script>" not in line or "<" not in line.partition("</script>")[0]
    return found


def stories_of(analysis: Analysis, *, show_secrets: bool = False) -> list[Story]:
    numbers = range(len(analysis))
    refused = range(len(analysis.refused_tunnels()))
    return [
        *(analysis.explain(number, show_secrets=show_secrets) for number in numbers),
        *(analysis.explain_refused(number, show_secrets=show_secrets) for number in refused),
    ]


LONG_NAME = (NASTY * 20)[:255]
CONTROLS = bytes(range(1, 32)) * 8 + b"\x7f" * 7
V2 = b"\x02\x00\x20" + NASTY[:32].ljust(32, b"\x1b") + b"\x30\xff\xff" + NASTY


@pytest.mark.parametrize("show_secrets", [False, True])
@pytest.mark.parametrize(
    ("said", "connections", "refused"),
    [
        (
            [
                ("client", methods(0, 2)),
                ("server", b"\x05\x02"),
                ("client", login(LONG_NAME, CONTROLS)),
                ("server", b"\x01\x00"),
                ("client", request5(CONTROLS)),
                ("server", reply5(0, LONG_NAME)),
                *SESSION,
            ],
            1,
            0,
        ),
        (
            [
                ("client", methods(*range(255))),
                ("server", b"\x05\x00"),
                ("client", request5(LONG_NAME)),
                ("server", reply5(5, CONTROLS)),
            ],
            0,
            1,
        ),
        (
            [
                ("client", request4(user=b"\xff" * 255, name=b"\xe2\x80\xae" * 85)),
                ("server", bytes((0, 90)) + NASTY[:6]),
                *SESSION,
            ],
            1,
            0,
        ),
        (
            [
                ("client", b"CONNECT a:80 HTTP/1.1\r\nX-y: " + IN_HEAD + b"\r\n\r\n"),
                ("server", b"HTTP/1.1 200 " + IN_HEAD + b"\r\nServer: " + IN_HEAD + b"\r\n\r\n"),
                *SESSION,
            ],
            1,
            0,
        ),
        (
            [
                ("client", b"CONNECT u:p@\xff\x1b[2J:80 HTTP/1.1\r\nHost: x\r\n\r\n"),
                ("server", b"HTTP/1.1 403 " + IN_HEAD + b"\r\nContent-Length: 0\r\n\r\n"),
            ],
            0,
            1,
        ),
        (
            [
                (
                    "client",
                    SIGNATURE + b"\x21\x11" + (12 + len(V2)).to_bytes(2, "big") + bytes(12) + V2,
                ),
                *SESSION,
            ],
            1,
            0,
        ),
        ([("client", b"PROXY UNKNOWN " + IN_HEAD + b"\r\n"), *SESSION], 1, 0),
    ],
    ids=["login", "methods", "socks4a", "connect", "refused", "tlvs", "unknown"],
)
def test_nothing_steers_who_looks(
    tmp_path: Path, said: Said, connections: int, refused: int, show_secrets: bool
) -> None:
    path = capture(said, tmp_path)
    analysis = wsanalyze.analyze(path)
    assert (len(analysis), len(analysis.refused_tunnels())) == (connections, refused)
    stories = stories_of(analysis, show_secrets=show_secrets)
    assert any(story.way for story in stories)
    assert shown(stories)
    # JSON's own escapes keep a page's data from being anything else (see `render`).
    json.dumps(data_of(path, show_secrets=show_secrets))


def test_ten_megabytes_of_fields_in_a_connect(tmp_path: Path) -> None:
    """Beyond the limit of a head nothing is a tunnel; below it a few lines are told."""
    field = b"X-%06d: " + b"v" * 4000 + b"\r\n"
    for count, told in ((10, True), (2500, False)):
        head = b"CONNECT a:80 HTTP/1.1\r\n" + b"".join(field % each for each in range(count))
        path = capture([("client", head + b"\r\n"), *OPENED, *SESSION], tmp_path)
        analysis = wsanalyze.analyze(path)
        stories = stories_of(analysis)
        assert any(story.way for story in stories) == told
        assert sum(map(len, shown(stories))) < 1_000_000
        assert len(json.dumps(data_of(path))) < 1_000_000


def test_the_first_messages_of_very_many_are_kept(tmp_path: Path) -> None:
    again: Said = [
        ("client", http("CONNECT a:80 HTTP/1.1", "Host: a")),
        ("server", http("HTTP/1.1 403 No", "Content-Length: 0")),
    ]
    path = capture([*again * 500, *SESSION], tmp_path)
    analysis = wsanalyze.analyze(path)
    assert len(analysis.refused_tunnels()) == 500
    (story,) = stories_of(analysis)[:1]
    assert len(story.way) == 64
    assert len(data_of(path)["refused"]["rows"]) == 200


def test_a_login_in_front_of_a_host_is_not_told(tmp_path: Path) -> None:
    said: Said = [
        ("client", http("CONNECT anna:s3cr3tpassword@a:80 HTTP/1.1", "Host: anna:s3cr3tpassword@a"))
    ]
    path = capture([*said, *OPENED, *SESSION], tmp_path)
    (story,) = stories_of(wsanalyze.analyze(path))
    assert "s3cr3tpassword" not in "\n".join(shown([story]))
    assert "s3cr3tpassword" not in json.dumps(data_of(path))
