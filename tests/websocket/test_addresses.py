"""What may be shown of addresses: never who logs in, nor what stands behind `?`, `#` or `;`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.websocket.addresses import parameters, public_part, without_secrets


@pytest.mark.parametrize(
    ("text", "place", "mark"),
    [
        ("/chat", "/chat", ""),
        ("/chat?a;b#c", "/chat", "?"),
        ("/chat;a?b", "/chat", ";"),
        ("wss://u:p@h/#", "wss://h/", "#"),
    ],
)
def test_what_is_left_and_where_it_ends(text: str, place: str, mark: str) -> None:
    assert public_part(text) == (place, mark)


@given(
    st.sampled_from(["ws:", "WSS:", "http:", "https:", ""]),
    st.text("/\\", min_size=2, max_size=5),
    st.text("abc:@; !\xe9", max_size=9),
    st.sampled_from(["/x", "?x", "#x", ";x", ""]),
)
def test_nobody_who_logs_in_is_shown(scheme: str, slashes: str, user: str, rest: str) -> None:
    shown = without_secrets(f"{scheme}{slashes}{user}s3cret@h{rest}s3cret")
    kept = "/xs3cret" if rest == "/x" else "hs3cret" if not rest else ""
    assert shown.startswith(f"{scheme}{slashes}h")
    assert ("s3cret" in shown) == bool(kept)


def test_reading_takes_no_longer_for_many_slashes() -> None:
    for text in ("/" * 65536, "/a" * 32768, "ws:" * 20000, ":/" * 32768, "//a " * 16384):
        assert without_secrets(f"{text}?") == f"{text}?..."


@pytest.mark.parametrize("tabs", ["\t" * 65536, "a\t\t" * 16384, "\t\t/" * 16384])
def test_nor_for_many_tabs_behind_somebody_who_may_log_in(tabs: str) -> None:
    assert without_secrets(f"a@{tabs}x?") == f"a@{tabs}x?..."


@pytest.mark.parametrize("begin", ["http:\t/", "\t\t", "//h\t//", "/\t\\"])
def test_tabs_among_slashes_hide_nobody(begin: str) -> None:
    assert without_secrets(f"{begin}us\ter:s3cret@h/") == f"{begin}h/"


@pytest.mark.parametrize(
    "begin",
    [
        "/x?token=",
        "/x#token=",
        "/x?a=b&amp;token=",
        "/x?token[]=",
        "/x?token%5B0%5D=",
        "/x?next=https%3A%2F%2Fh%2F%3Ftoken%3D",
        "/x?next=%2Fa%3Fb%3Dc%26token%3D",
        "/x?next=https%253A%252F%252Fh%252F%253Ftoken%253D",
    ],
)
@pytest.mark.parametrize("secret", ["s3cret", "s3'cret", 's3"cret', "s3%27cret"])
def test_parameters_whose_names_say_that_they_are_secret(begin: str, secret: str) -> None:
    text = f"{begin}{secret}"
    (found,) = parameters(f"{text}' is what was asked for")
    assert found[1:] == (len(begin), len(text))


@pytest.mark.parametrize(
    "text", ["/x?token=Zq7x… (23 characters)", "/x?token=true", "/x?a=b", "/x"]
)
def test_parameters_that_are_none_or_were_left_out(text: str) -> None:
    assert list(parameters(text)) == []


def test_what_was_left_out_behind_thousands_of_parameters_is_read_once() -> None:
    assert list(parameters("?sid=" * 50_000 + "…")) == []
