"""What HTTP/2 did around a WebSocket: preface and SETTINGS, ends of the stream, windows, GOAWAY."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.http2.bodies import ENABLE_CONNECT_PROTOCOL, error_name, setting_name
from wsanalyze.layers.connection import Connection
from wsanalyze.multiplexing import Settings, Stream
from wsanalyze.story.model import Event, Multiplexed, SettingsStory

SECOND = 1_000_000_000
SENDERS = ("client", "server")
# What settings mean, in the fewest words (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1).
MEANINGS = {
    1: "bytes that the other end's encoder may keep of earlier fields",
    2: "whether the server may push answers that nobody asked for",
    3: "streams that the other end may have open at a time",
    4: "bytes of DATA that each stream may be sent until its window is opened again",
    5: "bytes of the largest frame that is taken",
    6: "bytes of the largest head that is taken",
    ENABLE_CONNECT_PROTOCOL: "whether extended CONNECT is known (1), and so WebSocket on streams; "
    "a server's word counts",
    9: "1: the priorities of RFC 7540 are not looked at",
}

SHORT = {ENABLE_CONNECT_PROTOCOL: "extended CONNECT"}


def multiplexed(connection: Connection) -> Multiplexed | None:
    """Return what HTTP/2 did before the stream, None for what is no stream of HTTP/2."""
    stream = _stream_of(connection)
    if stream is None:
        return None
    shared = stream.shared
    others, requests = stream.sharing
    return Multiplexed(
        preface=shared.preface,
        settings=tuple(map(_told, shared.opening)),
        whole=shared.whole,
        enabled=stream.enabled,
        others=others,
        requests=requests,
        says_enabled=any(
            each.sender == "server" and (ENABLE_CONNECT_PROTOCOL, 1) in each.values
            for each in shared.opening
        ),
    )


def _told(settings: Settings) -> SettingsStory:
    values = tuple(
        (setting_name(number), value, MEANINGS.get(number)) for number, value in settings.values
    )
    return SettingsStory(settings.sender, settings.time, settings.packet, values)


def _stream_of(connection: Connection) -> Stream | None:
    return None if connection.observation is None else connection.observation.stream


def opening_events(connection: Connection) -> Iterator[Event]:
    """Yield the events before the request: the preface and SETTINGS."""
    stream = _stream_of(connection)
    if stream is None:
        return
    shared = stream.shared
    if shared.preface is not None:
        yield _event("http", "client", *shared.preface, "HTTP/2 preface")
    for each in shared.opening:
        # What matters to WebSocket first, and in short: there is little room.
        ordered = sorted(each.values, key=lambda pair: pair[0] != ENABLE_CONNECT_PROTOCOL)
        values = [
            f"{SHORT.get(number) or setting_name(number)} {value}" for number, value in ordered
        ]
        yield _event("http", each.sender, each.time, each.packet, "SETTINGS", ", ".join(values))


def ending_events(connection: Connection) -> Iterator[Event]:
    """Yield the events of the stream's end, of the connection's, and of windows used up."""
    stream = _stream_of(connection)
    if stream is None:
        return
    for sender, time, packet in stream.finished:
        yield _event("http2", sender, time, packet, "END_STREAM")
    for sender, code, time, packet in stream.resets:
        yield _event("http2", sender, time, packet, f"RST_STREAM {error_name(code)}")
    if stream.shared.goaway is not None:
        sender, code, last, time, packet = stream.shared.goaway
        label = f"GOAWAY {error_name(code)}"
        yield _event("http2", sender, time, packet, label, f"last stream {last}")
    for stall in stream.stalls:
        waited = f"for {stall.waited_ns / SECOND:.1f} s"
        yield _event("http2", stall.sender, stall.time, stall.packet, "window used up", waited)


def _event(layer: str, sender: str, time: int, packet: int, label: str, detail: str = "") -> Event:
    return Event(
        layer=layer,
        sender=sender,
        time=time,
        packet=packet,
        ordinal=0,
        label=label,
        detail=detail,
    )
