"""`python -m wsanalyze.checks.describe`: the checks as Markdown, which is docs/checks.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from wsanalyze.checks.catalogue import chosen
from wsanalyze.checks.check import CAPTURE, Check
from wsanalyze.checks.thresholds import described

HEAD = """# The checks

Made by `python -m wsanalyze.checks.describe` from the declarations in `wsanalyze/checks/`: do not
edit.

`wsanalyze check` runs them, `--select` and `--ignore` choose among them by ID, name, family (the
letters of the ID) or tag, and `wsanalyze checks ID` tells what is below. An `error` breaks a rule
that a document calls a MUST; a `warning` breaks a SHOULD, or is a strong sign of trouble; `info` is
a remark. What cannot be known from the capture is not reported: a packet that is missing is
nobody's fault.
"""

THRESHOLDS = """
## Thresholds

Where a quantity becomes a finding. `wsanalyze check --threshold pong_s=30` changes one,
`[tool.wsanalyze.thresholds]` in a file of settings does, too, and `wsanalyze checks --thresholds`
lists them.

| name | default | is |
|---|---|---|
"""

# Families by the letters of their IDs; one that is not named here is headed by its letters alone.
FAMILIES = {
    "HSQ": "the handshake's request",
    "HSR": "the handshake's response",
    "EXT": "extension negotiation",
    "FRM": "frames",
    "MSG": "messages",
    "CTL": "control frames",
    "CLS": "the closing handshake",
    "PMD": "permessage-deflate",
    "SEC": "security",
    "TLS": "TLS around WebSocket",
    "PRX": "proxies and middleboxes",
    "TRN": "transport and capture quality",
    "H2": "HTTP/2",
    "H3": "HTTP/3",
    "LEG": "versions before RFC 6455",
    "XCN": "all connections together",
}


def markdown(checks: Iterable[Check] | None = None) -> str:
    """Return the description of the checks (None: of all)."""
    listed = tuple(chosen() if checks is None else checks)
    parts = [HEAD, *_contents(listed)]
    for family, members in groupby(listed, key=lambda each: each.family):
        parts.append(f"\n## {_title(family)}\n")
        for check in members:
            parts += _section(check)
    return "".join(parts)


def thresholds() -> str:
    """Return the thresholds as a table."""
    rows = (f"| `{name}` | {value} | {meaning} |\n" for name, value, meaning in described())
    return THRESHOLDS + "".join(rows)


def _title(family: str) -> str:
    return f"{family}: {FAMILIES[family]}" if family in FAMILIES else family


def _contents(checks: tuple[Check, ...]) -> Iterator[str]:
    if not checks:
        return
    yield "\n| ID | name | severity | title |\n|---|---|---|---|\n"
    for check in checks:
        link = f"[{check.id}](#{_anchor(check)})"
        yield f"| {link} | `{check.name}` | {check.severity} | {_cell(check.title)} |\n"


def _anchor(check: Check) -> str:
    return f"{check.id}-{check.name}".lower()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(check: Check) -> Iterator[str]:
    yield f"\n### {check.id} {check.name}\n\n{check.title}. **{check.severity}**"
    yield "".join(f", `{tag}`" for tag in check.tags) + "\n\n"
    yield f"{check.explanation}\n\n**What to do:** {check.advice}\n"
    facts = [f"See {'; '.join(check.references)}."] if check.references else []
    if check.scope == CAPTURE:
        facts.append("It looks at all connections of the captures together.")
    if check.example:
        name, _, where = check.example.partition(" ")
        of = f", `{where}`" if where else ""
        facts.append(f"Example: [{name}](../captures/{name}){of}.")
    if facts:
        yield f"\n{' '.join(facts)}\n"


if __name__ == "__main__":
    print(markdown() + thresholds(), end="")
