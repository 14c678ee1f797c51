"""The connections that are open, for a terminal: a table that is drawn anew while they go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wsanalyze.monitoring.events import Message
from wsanalyze.monitoring.follower import Followed
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.escape import shortened, visible
from wsanalyze.views.live_log import ARROWS, SEVERITIES, resource
from wsanalyze.views.quantities import counted, number, size
from wsanalyze.views.summary import STYLES

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

# Lines of a row, and those around the rows.
LINES = 2
AROUND = 4
# From this width on there is room for more of the last message.
WIDE = 120
# Cells of a message that are looked at: what does not fit is cut by the table.
SHOWN = 200


@dataclass(slots=True)
class Rates:
    """What came per second of each connection that is shown, since the last time."""

    before: dict[int, tuple[float, int, int]] = field(default_factory=dict)
    shown: dict[int, tuple[float, float]] = field(default_factory=dict)

    def of(self, followed: Followed, now: float) -> tuple[float, float]:
        """Return frames and bytes per second of both sides."""
        up, up_bytes, down, down_bytes = followed.traffic()
        serial = followed.connection.serial
        then, frames, size_then = self.before.get(serial, (now, up + down, up_bytes + down_bytes))
        seconds = now - then
        if seconds >= 1 or serial not in self.before:
            self.before[serial] = (now, up + down, up_bytes + down_bytes)
            if seconds > 0:
                gained = up_bytes + down_bytes - size_then
                self.shown[serial] = ((up + down - frames) / seconds, gained / seconds)
        return self.shown.get(serial, (0.0, 0.0))

    def forget_but(self, shown: Iterable[int]) -> None:
        """Forget all connections that are not shown any more."""
        kept = set(shown)
        self.before = {key: value for key, value in self.before.items() if key in kept}
        self.shown = {key: value for key, value in self.shown.items() if key in kept}


class OpenConnections:
    """A renderable of rich: how it goes in a line, then the newest connections that are open.

    As many as there is room for in two thirds of the terminal; a log may stand above it. `followed`
    are the newest, `count` how many there are in all.
    """

    def __init__(
        self, followed: Sequence[Followed], count: int, heading: str, rates: Rates, now: float
    ) -> None:
        self.followed = followed
        self.count = count
        self.heading = heading
        self.rates = rates
        self.now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the heading and the table, in the size that the terminal has by now."""
        from rich.text import Text

        room = max((console.height * 2 // 3 - AROUND) // LINES, 1)
        shown = self.followed[:room]
        yield Text(shortened(self.heading, options.max_width), style="bold reverse")
        if shown:
            table = self._table(shown, wide=options.max_width >= WIDE)
            # The ^C that a terminal echoes behind the last cell would begin another line.
            table.width = max(options.max_width - len("^C"), 1)
            yield table
        if self.count > len(shown):
            yield Text(f"… and {number(self.count - len(shown))} more")
        self.rates.forget_but(each.connection.serial for each in shown)

    def _table(self, shown: Sequence[Followed], *, wide: bool) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, expand=True)
        table.add_column("#", justify="right", no_wrap=True)
        table.add_column("client → server", no_wrap=True, ratio=3, min_width=16)
        table.add_column("resource, state", no_wrap=True, ratio=4, overflow="ellipsis")
        table.add_column("frames", no_wrap=True, min_width=14)
        table.add_column("rate, last message", no_wrap=True, ratio=6 if wide else 3)
        for each in shown:
            record = each.connection
            up, up_bytes, down, down_bytes = each.traffic()
            client = address_and_port(record.client_ip, record.client_port)
            server = address_and_port(record.server_ip, record.server_port)
            state = Text(_state(each), style=STYLES.get(record.outcome, ""))
            state.append(_findings(each), style=_severity(each))
            frames, bytes_each = self.rates.of(each, self.now)
            table.add_row(
                str(each.number),
                Text(f"{client}\n→ {server}"),
                Text(f"{resource(record)}\n").append_text(state),
                Text(f"↑ {number(up)}, {size(up_bytes)}\n↓ {number(down)}, {size(down_bytes)}"),
                Text(f"{frames:,.0f}/s, {size(int(bytes_each))}/s\n{_last(each.last_message)}"),
            )
        return table


def _state(followed: Followed) -> str:
    record = followed.connection
    return "asked" if record.outcome == "unanswered" else record.outcome


def _findings(followed: Followed) -> str:
    return f", {counted(followed.count, 'finding')}" if followed.told else ""


def _severity(followed: Followed) -> str:
    found = {finding.severity for finding in followed.told}
    return next((style for severity, style in SEVERITIES.items() if severity in found), "")


def _last(message: Message | None) -> str:
    if message is None:
        return ""
    return f"{ARROWS[message.sender]} {visible(message.preview or '', SHOWN)}"
