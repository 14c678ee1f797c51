"""The little language of --where: what it chooses, what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.recordings import T0, connection, handshake
from wsanalyze.errors import UsageError
from wsanalyze.tables.rows import connection_row, iso
from wsanalyze.tables.where import compiled

ROW = connection_row(connection(client_bytes=1000, server_bytes=24), 0)
MIDDLE = connection_row(connection(handshake=None, requested=None, http_version=None), 1)


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ('outcome == "established"', True),
        ("outcome != 'established'", False),
        ("status == 101", True),
        ("status in [101, 403]", True),
        ("status not in (401, 403)", True),
        ("client_bytes + server_bytes > 1e3", True),
        ("client_bytes / server_bytes > 100", False),
        ("client_bytes / client_pings > 1", False),
        ("client_bytes * -1 < 0", True),
        ("100 < status < 200", True),
        ('"chat" in target', True),
        ('"chat" in subprotocols_offered', True),
        ('"cha" in subprotocols_offered', False),
        ('"x" not in subprotocols_offered', True),
        ("accept_valid", True),
        ("not accept_valid", False),
        ("accept_valid == True", True),
        ("tunnel is None", True),
        ("tunnel is not None", False),
        ("tunnel == NA", True),
        ("tunnel == 'x'", False),
        ("not tunnel == 'x'", False),
        ("tunnel == 'x' or status == 101", True),
        ("tunnel == 'x' and status == 101", False),
        ("(status == 101) & (client_port == 50000)", True),
        ("(status == 1) | ~(client_port == 1)", True),
        ('requested >= "2026-01-02T03:04:05.001Z"', True),
        ('requested > "2026-01-02T03:04:05.001Z"', False),
        ('requested < "2026-01-02 04:04:05.0010001+01:00"', True),
        ('"2026-01-02" < started', True),
        ("http_version == '1.1' and version == '13'", True),
        ("  connection == 0  ", True),
    ],
)
def test_chooses(expression: str, chosen: bool) -> None:
    assert compiled(expression)(ROW) is chosen


@pytest.mark.parametrize(
    "expression",
    [
        "status == 101",
        "status != 101",
        "not status == 101",
        "'x' in target",
        "requested > '2020-01-01'",
        "accept_valid",
    ],
)
def test_what_is_not_known_is_not_chosen(expression: str) -> None:
    assert compiled(expression)(MIDDLE) is False


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "not an expression"),
        ("status ==", "not an expression"),
        ("stauts == 1", "did you mean status?"),
        ("colour == 1", "no column colour"),
        ("status", "neither true nor false"),
        ("status == 'x'", "cannot compare number with text"),
        ("target > 1", "cannot compare text with number"),
        ("accept_valid > True", "has no order"),
        ("status is 1", "`is` goes with None only"),
        ("status < None", "NA has no order"),
        ("1 in status", "cannot look for number in number"),
        ("'a' + 'b' == target", "cannot calculate"),
        ("2 ** 99 > status", "only + - * /"),
        ("status % 2 == 1", "only + - * /"),
        ("-target == 1", "a sign needs a number"),
        ("requested > 'yesterday'", "is no time"),
        ("requested > '2026-13-01'", "is no time"),
        ("target.upper() == 'X'", "call is not possible"),
        ("target.__class__ == 1", "attribute is not possible"),
        ("__import__('os').system('true')", "call is not possible"),
        ("subprotocols_offered[0] == 'chat'", "subscript is not possible"),
        ("[x for x in extensions] == 1", "listcomp is not possible"),
        ("(lambda: 1) == 1", "lambda is not possible"),
        ("status := 1", "not an expression"),
        ("(status := 1) == 1", "namedexpr is not possible"),
        ("@status == 1", "not an expression"),
        ("f'{status}' == 'x'", "joinedstr is not possible"),
        ("status in [client_port]", "numbers and texts only"),
        ("target == b'x'", "only numbers, texts"),
        ("status == ...", "only numbers, texts"),
        ("status == 1j", "only numbers, texts"),
        ("status == 1; status == 2", "not an expression"),
        ("status == 1\x00", "not an expression"),
    ],
)
def test_refuses(expression: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=r"^--where") as refused:
        compiled(expression)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 300 + "1" + ")" * 300,
        "not " * 900 + "accept_valid",
        "-" * 3000 + "1 == 1",
        "1" * 3900 + " == 1",
        "x" * 5000,
        "0x" + "f" * 3900,
        "-" * 450 + "client_bytes",
    ],
)
def test_monsters_are_refused_or_harmless(expression: str) -> None:
    try:
        compiled(expression)(ROW)
    except UsageError:
        return


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(expression: str) -> None:
    try:
        compiled(expression)(ROW)
    except UsageError:
        return


@given(st.integers(0, 2**62))
def test_times_compare_to_the_nanosecond(time: int) -> None:
    row = dict(ROW, requested=time)
    assert compiled(f"requested == '{iso(time)}'")(row)
    assert compiled(f"requested < '{iso(time + 1)}'")(row)


def test_wire_text_is_compared_as_latin_1() -> None:
    odd = handshake(b"GET /\xff HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", None)
    row = connection_row(connection(handshake=odd, started=T0), 0)
    assert compiled("target == '/\xff'")(row)
