"""Secrets are not in a page, wherever they came by, unless somebody asked for them."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from support.both_legs import BACK_TOKEN, FRONT_TOKEN, both_legs
from support.packets import ACK, CLIENT, SERVER, SYN, pcap_of, segment
from support.sessions import frame, masked

from report.made import conversation
from report.pages import data_of, named
from wsanalyze.report.budget import Budget
from wsanalyze.report.hiding import beginnings, hider
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

COOKIE, BEARER, TOKEN = "q8Zt2Lm5Xw1RsCookie", "h7Kd93JfPqBearerV2", "a8f3e9c1d7b2token"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJlLW9mLWl0"


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A connection whose secrets come again in a message, a Ping and a Close."""
    request = (
        f"GET /feed?access_token={TOKEN} HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\nCookie: sid={COOKIE}\r\n"
        f"Authorization: Bearer {BEARER}\r\n\r\n"
    ).encode()
    response = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: sid={COOKIE}\r\n\r\n"
    ).encode()
    said = f"again {COOKIE} {BEARER} {TOKEN} {JWT}".encode()
    ours = masked(said) + masked(COOKIE.encode(), 9) + masked(b"\x03\xe8" + BEARER.encode(), 8)
    packets = [segment(CLIENT, SERVER, 0, 0, SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    packets.append(segment(CLIENT, SERVER, 1, 1, ACK, request))
    packets.append(segment(SERVER, CLIENT, 1, 1 + len(request), ACK, response))
    packets.append(segment(CLIENT, SERVER, 1 + len(request), 1 + len(response), ACK, ours))
    theirs = frame(said) + frame(COOKIE.encode(), 10)
    packets.append(segment(SERVER, CLIENT, 1 + len(response), 1, ACK, theirs))
    path = tmp_path / "secrets.pcap"
    path.write_bytes(pcap_of(packets))
    return path


def spellings(secret: str) -> list[str]:
    """Return a secret as text, in hex, and in base64 at each of three places."""
    data = secret.encode()
    coded = [b64encode(bytes(lead) + data).decode()[4:-4] for lead in range(3)]
    return [secret, data.hex(), *coded]


@pytest.mark.parametrize("secret", [FRONT_TOKEN, BACK_TOKEN])
def test_that_of_the_other_leg_is_not_either(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "legs.pcap"
    path.write_bytes(both_legs())
    data = data_of(path)
    legs = [(each["leg_before"], each["leg_behind"]) for each in data["connections"]]
    assert legs == [(None, 1), (0, None)]
    text = json.dumps(data)
    assert [each for each in spellings(secret) if each in text] == []


@pytest.mark.parametrize("short", ["s3cr3tA9", "b4ckS9x"])
def test_nor_is_a_short_one(tmp_path: Path, short: str) -> None:
    path = tmp_path / "legs.pcap"
    path.write_bytes(both_legs("s3cr3tA9", "b4ckS9x"))
    assert short not in json.dumps(data_of(path))


@pytest.mark.parametrize("secret", [COOKIE, BEARER, TOKEN, JWT])
def test_it_is_not_in_the_page(capture: Path, secret: str) -> None:
    data = data_of(capture)
    assert data["connections"][0]["frames"]["total"] == 5
    text = json.dumps(data)
    assert [each for each in spellings(secret) if each in text] == []


@pytest.mark.parametrize("secret", [COOKIE, BEARER, TOKEN, JWT])
def test_it_is_where_it_was_asked_for(capture: Path, secret: str) -> None:
    text = json.dumps(data_of(capture, show_secrets=True))
    assert any(each in text for each in spellings(secret))


def test_a_message_says_that_it_is_redacted(capture: Path) -> None:
    messages = data_of(capture)["connections"][0]["messages"]
    assert messages["redacted"] == [1, 1]
    assert messages["sha256"] == [None, None]
    assert data_of(capture, show_secrets=True)["connections"][0]["messages"]["redacted"] == [0, 0]


def test_it_is_not_in_what_another_connection_says(tmp_path: Path) -> None:
    """A token comes in a message of one connection, in text or not, and opens the next."""
    first = conversation([masked(TOKEN.encode())], [frame(b"\x82\xa5" + TOKEN.encode(), 2)])
    second = conversation([], [], b"next?access_token=" + TOKEN.encode(), port=CLIENT[1] + 1)
    paths = [tmp_path / "first.pcap", tmp_path / "second.pcap"]
    paths[0].write_bytes(first)
    paths[1].write_bytes(second)
    alone = data_of(paths[0])
    assert b64encode(TOKEN.encode()).decode() == alone["connections"][0]["messages"]["payload"][0]
    together = data_of(*paths)
    assert [each["target"][:7] for each in together["connections"]] == ["/chat", "/next?a"]
    assert together["connections"][0]["messages"]["redacted"] == [1, 1]
    text = json.dumps(together)
    assert [each for each in spellings(TOKEN) if each in text] == []


@pytest.mark.parametrize("left", range(5, 20))
def test_a_text_that_is_cut_within_a_secret_shows_none_of_it(tmp_path: Path, left: int) -> None:
    """Rows of ladders show 48 bytes of a message, and messages their beginning."""
    said = "x" * (47 - left) + " " + TOKEN * 2 + "y" * 40
    capture = tmp_path / "cut.pcap"
    word = b"next?access_token=" + TOKEN.encode()
    capture.write_bytes(conversation([masked(said.encode())] * 70, [], word))
    connection = data_of(capture, budget=Budget(message=48))["connections"][0]
    texts = [
        *connection["ladder"]["rungs"]["detail"],
        *(b64decode(each).decode() for each in connection["messages"]["payload"]),
    ]
    assert len(texts) > 140
    assert [each for each in texts if TOKEN[:5] in each] == []
    assert set(connection["messages"]["redacted"]) == {1}


def test_what_ends_like_a_secret_begins_stays_where_it_is_whole() -> None:
    hide = hider(None, {}, show=False, cut=beginnings([TOKEN]))
    assert hide(f"see {TOKEN[:8]}") == f"see {TOKEN[:8]}"
    assert hide(f"see {TOKEN[:8]}…") == "see …"
    assert hide("see…") == "see…"
    assert hide("…") == "…"


def test_very_many_secrets_are_looked_for() -> None:
    known = {f"secret-{number:05d}-begins": f"secret-{number:05d}-begins" for number in range(5000)}
    begun = {each[:12]: each for each in known}
    hide = hider(None, begun, show=False)
    assert hide("see secret-00001-begins here").startswith("see secr… (")
    assert hide("see secret- here") == "see secret- here"


def test_a_connection_that_has_very_many_of_its_own() -> None:
    query = "&".join(f"sid[{number}]=secret-{number}" for number in range(600))
    asked = Handshake(read_head(f"GET /x?{query} HTTP/1.1\r\n\r\n".encode()))
    hide = hider(asked, {}, show=False)
    assert hide("see secret-7 here") == "see … (8 characters) here"
    assert hide("see secret-577…") == "see … (11 characters)"
    assert hide("see secret-5… and secret-9") == "see … (9 characters) and … (8 characters)"
    assert hide("see secret-…") == "see …"
    assert hide("see secret") == "see secret"


def test_recorded_secrets() -> None:
    text = json.dumps(named("secrets-and-tunnels"))
    shown = json.dumps(named("secrets-and-tunnels", show_secrets=True))
    assert "eyJ" in shown
    assert len(shown) != len(text)
