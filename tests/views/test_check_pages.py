"""The catalogue for people, on wide and narrow terminals."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from views.audits import ACCEPT, CHECKS, HOSTILE, SERVER, declared, finding
from wsanalyze.views.check_pages import FIRST, catalogue_lines, page_lines
from wsanalyze.views.wrapping import Line


def texts(lines: Iterable[Line]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_a_line_for_each_check() -> None:
    assert texts(catalogue_lines(CHECKS, 80)) == [
        "HSR-04  error    wrong-accept           Title of HSR-04",
        "FRM-01  error    unmasked-client-frame  Title of FRM-01",
        "PRX-04  info     proxy-signs            Title of PRX-04",
        "SEC-04  warning  origin-not-checked     Title of SEC-04",
    ]
    assert texts(catalogue_lines([], 80)) == ["There are no checks."]


def test_narrow_terminals_have_the_title_below() -> None:
    assert texts(catalogue_lines(CHECKS[:2], 50)) == [
        "HSR-04  error    wrong-accept",
        "        Title of HSR-04",
        "FRM-01  error    unmasked-client-frame",
        "        Title of FRM-01",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit(width: int) -> None:
    lines = texts(catalogue_lines(CHECKS, width)) + texts(page_lines(ACCEPT, width, [HOSTILE]))
    assert max(map(len, lines)) <= width


def test_a_page() -> None:
    check = declared("TST-01", severity="warning", example="chat.pcapng /chat")
    found = [finding(packet=None), *(finding() for _ in range(FIRST))]
    assert texts(page_lines(check, 80, found)) == [
        "TST-01 name-of-tst-01  warning, test",
        "Title of TST-01",
        "",
        "Why the rule exists.",
        "",
        "what to do  What to do about TST-01.",
        "see         RFC 6455 §4.1",
        "example     captures/chat.pcapng /chat",
        "            the accept value does not belong to the key",
        "            found Sec-WebSocket-Accept: AAAA",
        "            expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        *(
            "            packet 6: the accept value does not belong to the key",
            "            found Sec-WebSocket-Accept: AAAA",
            "            expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        )
        * (FIRST - 1),
        "",
    ]


def test_without_example() -> None:
    assert texts(page_lines(SERVER, 80, None))[-2:] == ["see         RFC 6455 §4.1", ""]


def test_what_the_example_holds_steers_no_terminal() -> None:
    for line in texts(page_lines(ACCEPT, 60, [HOSTILE])):
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
