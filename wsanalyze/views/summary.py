"""What is in the captures, for a person: some facts each, then a table of the connections.

Made of records alone: neither pandas nor numpy is needed, and rich only where it prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from wsanalyze.checks.tokens import public
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.tables.rows import in_order
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.escape import visible
from wsanalyze.views.facts import facts, refused_tunnels
from wsanalyze.views.listing import Listing, Row
from wsanalyze.views.quantities import duration, number, size
from wsanalyze.websocket.addresses import without_login
from wsanalyze.websocket.handshake import Handshake

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

# Connections shown before the reader has to ask for more.
FIRST = 50
# From so many on, each is laid out by itself.
MANY = 200
# Cells that a URL may take; longer ones are cut.
URL = 120
# From this width on a connection takes one line.
WIDE = 150

STYLES = {
    "established": "green",
    "refused": "red",
    "invalid": "red",
    "unanswered": "yellow",
    "unseen": "yellow",
}

Numbered = tuple[int, Connection]


def print_summary(
    recording: Recording,
    console: Console,
    *,
    chosen: set[int] | None = None,
    show_all: bool = False,
) -> None:
    """Print the summary on a rich console, in its width.

    `chosen`: numbers of the connections to show (None: each). Beyond FIRST connections the rest is
    counted, unless `show_all`.
    """
    refused = recording.tunnels_refused if chosen is None else 0
    of_all = [refused_tunnels(refused)] if refused else []
    several = len(recording.captures) > 1
    for capture in recording.captures:
        print_facts([*facts(capture), *([] if several else of_all)], console)
        console.print()
    if several and of_all:
        print_facts(of_all, console)
        console.print()
    numbered = [
        (place, connection)
        for place, connection in enumerate(in_order(recording.connections))
        if chosen is None or place in chosen
    ]
    if not numbered:
        console.print("No WebSocket connections" + (" match." if chosen is not None else "."))
        return
    shown = numbered if show_all else numbered[:FIRST]
    wide = console.width >= WIDE
    if len(shown) < MANY:
        console.print(_table(shown, wide, several))
    else:
        rows = [_row(place, connection, several) for place, connection in shown]
        console.print(Listing(rows, console.width, wide=wide), end="", crop=False)
    attempts = sum(capture.attempts for capture in recording.captures)
    matching = max(attempts, len(numbered)) if chosen is None else len(numbered)
    if len(shown) < matching:
        rest = number(matching - len(shown))
        console.print(f"… and {rest} more: --all shows them, --where chooses among them")


def print_facts(lines: Sequence[tuple[str, str]], console: Console) -> None:
    """Print labelled sentences on a rich console."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, sentence in lines:
        alarming = label in ("problem", "lost", "limits reached", "not analysed")
        grid.add_row(Text(label, style="yellow" if alarming else "bold"), Text(sentence))
    console.print(grid)


def _table(numbered: Sequence[Numbered], wide: bool, several: bool) -> Table:
    """Return the table: wide, a column for each thing; narrow, some stand in one column."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("client → server", overflow="fold", min_width=23, max_width=50)
    table.add_column("resource", overflow="fold", ratio=1)
    if wide:
        table.add_column("outcome", overflow="fold")
    table.add_column("frames", overflow="fold", min_width=14)
    table.add_column("time", no_wrap=True, justify="right")
    newline, apart = Text("\n"), Text("  ")
    for place, connection in numbered:
        resource, outcome = Text("\n".join(_resource(connection, several))), _outcome(connection)
        join = " " if wide else "\n"
        table.add_row(
            str(place),
            Text(join.join(_ends(connection))),
            *((resource, outcome) if wide else (newline.join((resource, outcome)),)),
            (apart if wide else newline).join(Text(text) for text in _traffic(connection)),
            Text(duration(connection.ended - connection.started)),
        )
    return table


def _row(place: int, connection: Connection, several: bool) -> Row:
    """Return a row of the listing of very many."""
    return Row(
        str(place),
        " ".join(_ends(connection)),
        ", ".join(_resource(connection, several)),
        _outcome_word(connection),
        STYLES.get(connection.outcome, ""),
        _consequence(connection),
        "  ".join(_traffic(connection)),
        duration(connection.ended - connection.started),
    )


def _ends(connection: Connection) -> tuple[str, str]:
    client = address_and_port(connection.client_ip, connection.client_port)
    return client, "→ " + address_and_port(connection.server_ip, connection.server_port)


def url(connection: Connection, host: str | None, target: str) -> str:
    """Return the URL of a request target in origin form, or in absolute form (RFC 9112 §3.2).

    Without who logs in. Where nobody knows the host, that is said instead.
    """
    host = host and host.rpartition("@")[2]
    if target[:1] not in ("/", "?", "*", ""):
        return without_login(target)
    if connection.request_packet is None and not (host or target):
        seen = "readable" if connection.sealed_head == "request" else "seen"
        return f"{connection.scheme}, request not {seen}"
    return f"{connection.scheme}://{host}{target}" if host else f"{connection.scheme}, {target}"


def asked_for(connection: Connection, handshake: Handshake) -> str:
    """Return the URL that was asked for, as it may be shown."""
    return public(url(connection, handshake.host, handshake.target or ""), handshake)


def _resource(connection: Connection, several: bool) -> list[str]:
    """Return what was asked for, and what was agreed on, a line each."""
    handshake = connection.handshake
    lines = []
    if handshake is None:
        lines.append(f"{connection.scheme}, handshake not seen")
    else:
        lines.append(visible(asked_for(connection, handshake), URL))
        if handshake.subprotocol:
            lines.append("subprotocol " + visible(public(handshake.subprotocol, handshake), 60))
        lines.extend(visible(public(each, handshake), 80) for each in handshake.extensions[:3])
    if connection.http_stream is not None:
        lines.append(f"HTTP/{connection.http_version} stream {connection.http_stream}")
    if connection.tunnel:
        lines.append("through " + visible(connection.tunnel, 80))
    if several:
        lines.append("in " + visible(PurePath(connection.capture).name, 40))
    return lines


def _outcome(connection: Connection) -> Text:
    from rich.text import Text

    text = Text(_outcome_word(connection), style=STYLES.get(connection.outcome, ""))
    return text.append(_consequence(connection), style="default")


def _outcome_word(connection: Connection) -> str:
    """Return the outcome in a word; that of a handshake which was not seen is not known."""
    if connection.outcome == "unseen" and connection.sealed_head is not None:
        return f"{connection.sealed_head} not readable"
    return "from the middle" if connection.outcome == "unseen" else connection.outcome


def _consequence(connection: Connection) -> str:
    """Return what follows the outcome: the status code, and how the connection ended."""
    status = connection.handshake.status if connection.handshake is not None else None
    text = "" if status is None else f" {status}"
    if connection.outcome in ("established", "unseen"):
        text += ", " + ending_of(connection)
    elif connection.outcome == "unanswered" and connection.stream_error is not None:
        is_rst = (connection.ended_by or "").endswith("-rst")
        text += ", " + (ending_of(connection) if is_rst else connection.stream_error)
    if connection.outcome == "unanswered" and connection.sealed_head is not None:
        text += ", as far as could be read"
    handshake = connection.handshake
    if connection.outcome == "invalid" and handshake is not None:
        reasons = [fault.message for fault in handshake.faults if fault.fatal]
        text += "".join(f": {visible(public(each, handshake), 120)}" for each in reasons[:1])
    return text + _missing(connection)


def _missing(connection: Connection) -> str:
    """Return what of the connection is not there, or could not be read."""
    incomplete = connection.client_incomplete_messages + connection.server_incomplete_messages
    lost = connection.client_lost_bytes + connection.server_lost_bytes
    unread = connection.client_unread_bytes + connection.server_unread_bytes
    parts = [
        f"{size(lost)} lost" if lost else "",
        f"{size(unread)} not read as frames" if unread else "",
        f"{number(incomplete)} of its messages incomplete" if incomplete else "",
    ]
    return "".join(f"; {part}" for part in parts if part)


def ending_of(connection: Connection) -> str:
    """Return how it ended, with the code of the Close frame, or of the reset, that came first."""
    ending = connection.ended_by
    if ending is None:
        # Either end sent a Close first: what one of them sent could not be read, or is not there.
        closed = (connection.client_close_code, connection.server_close_code) != (None, None)
        closed = closed or connection.client_close_code_missing
        closed = closed or connection.server_close_code_missing
        return "first Close not known" if connection.sealed or closed else "end not seen"
    side, _, how = ending.partition("-")
    if how == "rst" and connection.stream_error is not None:
        return f"{ending} {connection.stream_error}"
    if how != "close":
        return ending
    if getattr(connection, f"{side}_close_code_missing"):
        return f"{ending}, its code missing"
    code = connection.client_close_code if side == "client" else connection.server_close_code
    return f"{ending} {code if code is not None else 'without code'}"


def _traffic(connection: Connection) -> tuple[str, str]:
    return (
        f"↑ {number(connection.client_frames)}, {size(connection.client_bytes)}",
        f"↓ {number(connection.server_frames)}, {size(connection.server_bytes)}",
    )


def cells(place: int, connection: Connection) -> tuple[str, ...]:
    """Return a row of the table as plain texts: number, ends, resource, outcome, frames, time."""
    return (
        str(place),
        " ".join(_ends(connection)),
        "\n".join(_resource(connection, several=False)),
        _outcome_word(connection) + _consequence(connection),
        "\n".join(_traffic(connection)),
        duration(connection.ended - connection.started),
    )
