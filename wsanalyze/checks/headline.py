"""The five that everyone meets first: which headlines the findings of a connection make true."""

from __future__ import annotations

from collections.abc import Iterable

from wsanalyze.checks.finding import SEVERITIES, Finding

# An Upgrade that Connection does not list is to be ignored (RFC 9110 §7.8): both are one headline.
# Refusals (HSR-10 to HSR-12) are none, nor are extensions that are merely old (EXT-11).
HEADLINES = {
    "invalid Upgrade header": (
        *("HSQ-04", "HSQ-05", "HSQ-20", "HSR-01", "HSR-02", "PRX-01", "PRX-02"),
    ),
    "invalid Sec-WebSocket-Key": ("HSQ-06", "HSQ-07", "HSQ-08"),
    "invalid Sec-WebSocket-Accept": ("HSR-03", "HSR-04"),
    "invalid subprotocol": ("HSQ-11", "HSR-06", "HSR-07"),
    "invalid extension": (
        *("HSQ-12", "EXT-01", "EXT-02", "EXT-03", "EXT-04"),
        *("EXT-05", "EXT-06", "EXT-07", "EXT-08", "EXT-09"),
    ),
}

# This one finds three things; the field in its evidence says which.
REPEATED_FIELD = "HSR-05"
FIELDS = {
    "invalid Sec-WebSocket-Accept": "Sec-WebSocket-Accept:",
    "invalid subprotocol": "Sec-WebSocket-Protocol:",
    "invalid extension": "Sec-WebSocket-Extensions:",
}


def is_headline(name: str, finding: Finding) -> bool:
    """Whether a finding makes `name` of HEADLINES true; a remark does not."""
    if finding.severity == "info" or finding.connection is None:
        return False
    if finding.check == REPEATED_FIELD and name in FIELDS:
        return (finding.evidence or "").startswith(FIELDS[name])
    return finding.check in HEADLINES[name]


def headlines(findings: Iterable[Finding]) -> list[str]:
    """Return a line for each headline that holds: its name, and the worst finding's sentence.

    `findings` are those of one connection, as an audit returns them.
    """
    given = sorted(findings, key=lambda each: -SEVERITIES.index(each.severity or "error"))
    lines = []
    for name in HEADLINES:
        worst = next((each for each in given if is_headline(name, each)), None)
        if worst is not None:
            lines.append(f"{name}: {worst.message}")
    return lines
