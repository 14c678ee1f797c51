"""What proxies answer: a number, and what it says of this way."""

from __future__ import annotations

import pytest

from wsanalyze.tunnels.answers import refusal_meaning, status_meaning


@pytest.mark.parametrize(
    ("way", "code", "words"),
    [
        ("CONNECT a.example:25", 403, "rules"),
        ("CONNECT a.example:25", 407, "credentials"),
        ("CONNECT a.example:25", 418, "no tunnel"),
        ("CONNECT a.example:25", None, "no status"),
        ("SOCKS4 192.0.2.1:25", 91, "rejected"),
        ("SOCKS4a a.example:25", 92, "identd"),
        ("SOCKS4", 99, "unknown"),
        ("SOCKS5 a.example:25", 2, "not allowed"),
        ("SOCKS5 a.example:25", 9, "unassigned"),
        # Nobody had said where to: these numbers are of another message.
        ("SOCKS5", 255, "ways of logging in"),
        ("SOCKS5", 2, "the proxy does not take this user name and password"),
    ],
)
def test_a_code_says_why_a_way_was_not_opened(way: str, code: int | None, words: str) -> None:
    assert words in refusal_meaning(way, code)


def test_any_2xx_opens_the_way() -> None:
    assert status_meaning(200) == status_meaning(299)
    assert status_meaning(300) != status_meaning(299)
