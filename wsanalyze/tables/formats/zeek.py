"""Zeek's `websocket.log`: the columns, the types and the escapes of Zeek's own ASCII writer.

As in Zeek there is a line for each connection that was upgraded: outcome `established`, and
`invalid` where the status is 101. `ts` is the time of that response. `uid` looks like Zeek's but is
derived from addresses, ports and start of the TCP connection: the same capture gives the same uid,
two connections on one TCP connection share it. To join with Zeek's own logs use Community IDs.

`host` is without port and `uri` percent-decoded, as in Zeek's http.log; the lists of protocols
and extensions are split at commas.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, BinaryIO

import pyarrow as pa

from wsanalyze.tables.declaration import Kind, Table

FIELDS = (
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("host", "string"),
    ("uri", "string"),
    ("user_agent", "string"),
    ("subprotocol", "string"),
    ("client_protocols", "vector[string]"),
    ("server_extensions", "vector[string]"),
    ("client_extensions", "vector[string]"),
)
UNSET, EMPTY = "-", "(empty)"

SWITCHING = 101
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_PORT = re.compile(r":[0-9]+$")
# What Zeek's ASCII writer escapes: what cannot be printed, the backslash, the separator.
_SPECIAL = re.compile("[\x00-\x1f\x7f-\x9f\\\\\udc80-\udcff]")
_SPECIAL_IN_LIST = re.compile("[\x00-\x1f\x7f-\x9f\\\\\udc80-\udcff,]")


def write(table: Table, rows: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write the `connections` table to an open binary file as a websocket.log."""
    opened: int | None = None
    closed: int | None = None
    lines = []
    for row in _rows(table, rows):
        opened = row.started if opened is None else min(opened, row.started)
        closed = row.ended if closed is None else max(closed, row.ended)
        if row.outcome == "established" or (row.outcome == "invalid" and row.status == SWITCHING):
            lines.append((row.responded, "\t".join(_line(row))))
    # Zeek writes in order of the upgrade, not of the request.
    lines.sort(key=lambda line: (line[0] is None, line[0]))
    head = [
        "#separator \\x09",
        "#set_separator\t,",
        f"#empty_field\t{EMPTY}",
        f"#unset_field\t{UNSET}",
        "#path\twebsocket",
        f"#open\t{_day(opened)}",
        "#fields\t" + "\t".join(name for name, _ in FIELDS),
        "#types\t" + "\t".join(kind for _, kind in FIELDS),
    ]
    sink.write(("\n".join(head) + "\n").encode())
    for _, line in lines:
        sink.write((line + "\n").encode())
    sink.write(f"#close\t{_day(closed)}\n".encode())


def _rows(table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[Any]:
    """Yield the rows with their cells as attributes: times integer ns, None is NA."""
    for batch in batches:
        cells = [
            (array.cast(pa.int64()) if column.kind is Kind.TIME else array).to_pylist()
            for column, array in zip(table.columns, batch.columns, strict=True)
        ]
        for row in zip(*cells, strict=True):
            yield SimpleNamespace(**dict(zip(table.names, row, strict=True)))


def _line(row: Any) -> list[str]:
    host = None if row.host is None else _PORT.sub("", row.host)
    target = None if row.target is None else _unescaped(row.target)
    return [
        _timestamp(row.responded),
        _uid(row),
        row.client_ip,
        str(row.client_port),
        row.server_ip,
        str(row.server_port),
        _string(host),
        _string(target),
        _string(row.user_agent),
        _string(row.subprotocol),
        _vector(row.subprotocols_offered),
        _vector(row.extensions),
        _vector(row.extensions_offered),
    ]


def _uid(row: Any) -> str:
    """Return 17 letters and digits behind a C, as Zeek's are."""
    facts = (row.client_ip, row.client_port, row.server_ip, row.server_port, row.started)
    digest = hashlib.sha256(repr(tuple(map(str, facts))).encode()).digest()
    number = int.from_bytes(digest[:14], "big")
    letters = ""
    for _ in range(17):
        number, digit = divmod(number, len(_DIGITS))
        letters += _DIGITS[digit]
    return "C" + letters


def _timestamp(moment: int | None) -> str:
    if moment is None:
        return UNSET
    seconds, rest = divmod(moment, 1_000_000_000)
    return f"{seconds}.{rest // 1000:06d}"


def _day(moment: int | None) -> str:
    """Return the form of #open and #close; the capture's clock, so that equal input is equal."""
    if moment is None:
        return UNSET
    return datetime.fromtimestamp(moment // 1_000_000_000, UTC).strftime("%Y-%m-%d-%H-%M-%S")


def _string(value: Any) -> str:
    return UNSET if value is None else _field(value, _SPECIAL)


def _vector(values: Sequence[str] | None) -> str:
    # Zeek leaves the vector unset where no such field was sent.
    if not values:
        return UNSET
    return ",".join(_field(value, _SPECIAL_IN_LIST) for value in values)


def _field(text: str, special: re.Pattern[str]) -> str:
    if not text:
        return EMPTY
    if text in (UNSET, EMPTY):
        # Such a text must not read as "not set".
        return f"\\x{ord(text[0]):02x}{text[1:]}"
    return special.sub(_escape, _utf8(text))


def _utf8(text: str) -> str:
    """Return wire text as Zeek prints it: UTF-8 where its bytes are UTF-8, else surrogates."""
    return _wire(text).decode("utf-8", "surrogateescape")


def _wire(text: str) -> bytes:
    """Return the bytes that were on the wire: wire text is latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character == "\\":
        return "\\\\"
    if character >= "\udc80":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _unescaped(target: str) -> str:
    decoded = _PERCENT.sub(lambda match: bytes.fromhex(match.group(1).decode()), _wire(target))
    return decoded.decode("latin-1")
