"""Secrets are not in a page, wherever they came by, unless somebody asked for them."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from support.packets import ACK, CLIENT, SERVER, SYN, pcap_of, segment
from support.sessions import frame, masked

from report.pages import data_of, named

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


def test_recorded_secrets() -> None:
    text = json.dumps(named("secrets-and-tunnels"))
    shown = json.dumps(named("secrets-and-tunnels", show_secrets=True))
    assert "eyJ" in shown
    assert len(shown) != len(text)
