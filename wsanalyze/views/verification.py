"""What `verify` found, as text for a person and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from wsanalyze.crosscheck.frames import Facts
from wsanalyze.crosscheck.streams import NOWHERE
from wsanalyze.crosscheck.verification import Explained, Verification
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import counted, number
from wsanalyze.websocket.opcodes import opcode_name

# Differences of one reason that are shown, unless all are asked for.
SHOWN = 10

UNEXPLAINED = "not explained by anything that tshark is known to do otherwise"
FIELDS = {"fin": "FIN", "rsv": "RSV", "opcode": "opcode", "masking_key": "key", "length": "length"}


def as_text(found: Verification, *, show_all: bool = False) -> str:
    """Return the counts, the differences by reason (unexplained ones first), and the outcome."""
    lines = [
        f"capture     {visible(found.capture)}",
        f"tshark      {visible(found.tshark)}, through pyshark {visible(found.pyshark)}, with its "
        "default preferences and",
        f"            {', '.join(found.options)}",
        f"frames      {number(found.ours)} of wsanalyze, {number(found.theirs)} of tshark: "
        f"{number(found.agree)} agree",
    ]
    if found.until is not None:
        lines.append(f"compared    up to packet {number(found.until)}; nothing is said of the rest")
    lines += (f"problem     {visible(problem)}" for problem in found.problems)
    for text, rows in _by_reason(found).items():
        lines += ("", f"{counted(len(rows), 'difference')}: {text}")
        shown = rows if show_all else rows[:SHOWN]
        lines += (f"  {_difference(row)}" for row in shown)
        if len(shown) < len(rows):
            lines.append(f"  and {number(len(rows) - len(shown))} more (--all shows them)")
    return "\n".join((*lines, "", found.statement, ""))


def _by_reason(found: Verification) -> dict[str, list[Explained]]:
    groups: dict[str, list[Explained]] = {}
    for row in sorted(found.differences, key=lambda each: each.reason is not None):
        text = UNEXPLAINED if row.reason is None else row.reason.text
        groups.setdefault(text, []).append(row)
    return groups


def _difference(row: Explained) -> str:
    mine, other = row.difference.ours, row.difference.theirs
    facts = row.difference.facts
    if row.connection is None:
        # Streams that only tshark has are counted downwards.
        stream = facts.stream if facts.stream >= 0 else NOWHERE - facts.stream
        where = f"no connection (tcp.stream {stream}, port {facts.port})"
    else:
        where = f"connection {row.connection}, {row.sender}"
    where += f", packet {number(row.packet)}: "
    if mine is None:
        return f"{where}{_frame(facts)}: only in tshark"
    if other is None:
        return f"{where}{_frame(facts)}: not in tshark"
    if mine.facts == other.facts:
        return f"{where}{_frame(facts)}: in tshark at packet {number(other.packet)}"
    return f"{where}{_frame(facts)}: in tshark {', '.join(_changed(mine.facts, other.facts))}"


def _changed(mine: Facts, other: Facts) -> Iterator[str]:
    for name, shown in FIELDS.items():
        if getattr(mine, name) != getattr(other, name):
            yield f"{shown} {_value(name, getattr(other, name))}"


def _value(name: str, value: int | None) -> str:
    if name == "masking_key":
        return "none" if value is None else f"{value:08x}"
    return opcode_name(value or 0) if name == "opcode" else number(value or 0)


def _frame(facts: Facts) -> str:
    parts = [opcode_name(facts.opcode), counted(facts.length, "byte")]
    if not facts.fin:
        parts.append("no FIN")
    if facts.rsv:
        parts.append(f"RSV {facts.rsv}")
    if facts.masking_key is not None:
        parts.append(f"key {facts.masking_key:08x}")
    return ", ".join(parts)


def as_json(found: Verification) -> str:
    """Return one JSON object, in ASCII: whatever is in a name is escaped."""
    value = {
        "capture": found.capture,
        "tshark": found.tshark,
        "pyshark": found.pyshark,
        "options": found.options,
        "frames": {"wsanalyze": found.ours, "tshark": found.theirs, "agree": found.agree},
        "until": found.until,
        "problems": found.problems,
        "unexplained": found.unexplained,
        "compared": found.compared,
        "tls_not_decrypted": found.closed,
        "statement": found.statement,
        "differences": [_row(each) for each in found.differences],
    }
    return json.dumps(value, indent=2) + "\n"


def _row(row: Explained) -> dict[str, Any]:
    mine, other = row.difference.ours, row.difference.theirs
    return {
        "kind": row.difference.kind,
        "reason": None if row.reason is None else row.reason.name,
        "explanation": None if row.reason is None else row.reason.text,
        "connection": row.connection,
        "sender": row.sender,
        "wsanalyze": None if mine is None else {"packet": mine.packet_end, **asdict(mine.facts)},
        "tshark": None if other is None else {"packet": other.packet, **asdict(other.facts)},
    }
