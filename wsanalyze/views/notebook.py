"""The summary as HTML for a notebook cell; every text is escaped for terminal and HTML alike."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from wsanalyze.recording import Recording
from wsanalyze.tables.rows import in_order
from wsanalyze.views.facts import facts, refused_tunnels
from wsanalyze.views.summary import FIRST, cells

HEAD = ("#", "client → server", "resource", "outcome", "frames", "time")


def html(recording: Recording) -> str:
    """Return an HTML fragment: the facts of each capture, then the first connections."""
    parts = []
    for capture in recording.captures:
        rows = (_row(pair, "td") for pair in facts(capture))
        parts.append(f"<table><tbody>{''.join(rows)}</tbody></table>")
    if recording.tunnels_refused:
        refused = _row(refused_tunnels(recording.tunnels_refused), "td")
        parts.append(f"<table><tbody>{refused}</tbody></table>")
    connections = in_order(recording.connections)
    rows = (_row(cells(place, each), "td") for place, each in enumerate(connections[:FIRST]))
    parts.append(f"<table><thead>{_row(HEAD, 'th')}</thead><tbody>{''.join(rows)}</tbody></table>")
    if len(connections) > FIRST:
        parts.append(f"<p>… and {len(connections) - FIRST} more, in <code>connections</code></p>")
    return "".join(parts)


def _row(texts: Iterable[str], tag: str) -> str:
    opening = f'<{tag} style="text-align: left; white-space: pre-wrap">'
    return "<tr>" + "".join(f"{opening}{escape(text)}</{tag}>" for text in texts) + "</tr>"
