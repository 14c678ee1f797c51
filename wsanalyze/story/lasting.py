"""What happened over time: Pings and their Pongs, silences and who would mind them, the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from wsanalyze.checks.ending import DEFAULTS, maybe_cut, sentence
from wsanalyze.checks.facts import Facts, ending_name
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.ways_to_end import reset_code
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Observation
from wsanalyze.story.frames import CLOSES, Frames, close_frames, control_frames, dialect
from wsanalyze.story.model import CloseFrame, Closing, End, Ping, Silence
from wsanalyze.tables.objects import Frame
from wsanalyze.websocket.close import describe, registered

SECOND = 1_000_000_000
# A silence that is worth telling, as in `Observation.longest_silence_ns`.
SILENCE = 5 * SECOND
# Seconds by which a silence that ended a connection may differ from a limit that it fits.
NEAR = 1.0
# The check of who cut a connection.
OF_CUTS = "CLS-08"
# Bytes of a status code (RFC 6455 §5.5.1).
CODE = 2
# How many are told, the longest.
TOLD = 20


def pings(
    frames: Frames,
    payloads: Mapping[int, bytes],
    controls: int | None = None,
) -> tuple[Ping, ...]:
    """Return the Pings among the first `controls` control frames, each with what answers it.

    RFC 6455 §5.5.3: a Pong has the bytes of the Ping that it answers, and only the latest of
    several need be answered. Where the bytes were not kept, the latest Ping counts.
    """
    asked: list[Ping] = []
    # By its number what answers a Ping: the number of the Pong, and its time.
    answers: dict[int, tuple[int, int]] = {}
    # By sender and payload the latest Ping; those before one that was answered are over.
    latest: dict[tuple[str, bytes], int] = {}
    over = {"client": -1, "server": -1}
    for frame in frames.at(control_frames(frames)[:controls]):
        said = payloads.get(frame.number, b"")
        if frame.opcode == 9:
            asked.append(Ping(frame.sender, frame.number, frame.time, said, None, None))
            latest[frame.sender, said] = frame.number
        elif frame.opcode == 10:
            other = "server" if frame.sender == "client" else "client"
            ping = latest.pop((other, said), -1)
            if ping > over[other]:
                answers[ping] = (frame.number, frame.time)
                over[other] = ping
    return tuple(_answered(each, answers.get(each.frame)) for each in asked)


def _answered(ping: Ping, answer: tuple[int, int] | None) -> Ping:
    if answer is None:
        return ping
    pong, time = answer
    return replace(ping, pong=pong, rtt_ns=time - ping.time)


def silences(frames: Frames, connection: Connection) -> tuple[Silence, ...]:
    """Return the longest times without a frame, from 5 s on, in order of time.

    The last one reaches to the first end of TCP, or to the last packet.
    """
    if not frames:
        return ()
    start = frames.column("time_end")[:-1]
    length = frames.column("time")[1:] - start
    places = np.flatnonzero(length >= SILENCE)
    places = places[np.argsort(-length[places], kind="stable")[:TOLD]]
    found = [
        _silence(int(start[place]), int(length[place]), place, place + 1)
        for place in np.sort(places).tolist()
    ]
    last, ended, by = frames[-1], connection.ended, None
    if connection.observation is not None and connection.observation.endings:
        end = min(connection.observation.endings, key=_time)
        ended, by = end.time, end.sender
    if ended - last.time_end >= SILENCE:
        found.append(_silence(last.time_end, ended - last.time_end, last.number, None, by))
    longest = sorted(found, key=_length, reverse=True)[:TOLD]
    return tuple(sorted(longest, key=_start))


def _silence(
    start: int, length: int, after: int, before: int | None, ended_by: str | None = None
) -> Silence:
    seconds = length / SECOND
    fits = None
    if ended_by is not None:
        near = [each for each in DEFAULTS if abs(seconds - each[0]) <= NEAR]
        fits = near[0] if near else None
    outlasts = tuple(each for each in DEFAULTS if each[0] <= seconds and each != fits)
    longer = [each for each in DEFAULTS if each[0] > seconds and each != fits]
    further = longer[0] if longer else None
    return Silence(start, length, after, before, outlasts, further, fits, ended_by)


def _time(end: Ending) -> int:
    return end.time


def _length(silence: Silence) -> int:
    return silence.length_ns


def _start(silence: Silence) -> int:
    return silence.start


def closing(
    connection: Connection,
    frames: Frames,
    payloads: Mapping[int, bytes],
    *,
    by_packet: bool = True,
) -> Closing:
    """Return how a connection ended: its first Close frames and the ends of TCP, in order.

    `by_packet`: all are of one capture, where packets are in order whatever its clock does.
    """
    closes = []
    handshake = connection.handshake
    is_hixie = handshake is not None and handshake.is_hixie
    places = close_frames(frames)
    for frame in frames.at(places[:CLOSES]):
        reason = _reason(frame, payloads.get(frame.number, b""), connection)
        close = _close(frame, reason, is_hixie=is_hixie)
        if _lacks_code(frame, connection):
            close = _without_its_code(close, connection)
        closes.append(close)
    ends = _ends(connection.observation)

    def place(step: CloseFrame | End) -> tuple[int, int]:
        # What came within one packet is in the order in which it was read: a Close, then a FIN.
        return (0, step.packet) if by_packet else (step.time, step.packet)

    steps: list[CloseFrame | End] = [*closes, *ends]
    return Closing(
        closes=tuple(closes),
        ends=tuple(sorted(ends, key=place)),
        ended_by=connection.ended_by,
        steps=tuple(sorted(steps, key=place)),
        lingered_ns=_lingered(closes, [each for each in ends if not each.below]),
        more_closes=len(places) - len(closes),
    )


def _lingered(closes: Sequence[CloseFrame], ends: Sequence[End]) -> int | None:
    """Return how long TCP stayed open when both ends had sent a Close; None where that was not."""
    if len({each.sender for each in closes}) < 2 or not ends:
        return None
    firsts = [next(each for each in closes if each.sender == side) for side in ("client", "server")]
    return min(each.time for each in ends) - max(each.time for each in firsts)


def _ends(observation: Observation | None) -> list[End]:
    """Return the ends of a connection; of a stream that was over, those of TCP below it as well."""
    if observation is None:
        return []
    ends = [
        End(
            each.sender,
            each.how,
            each.time,
            each.packet,
            each.stream,
            ending_name(each),
            reset_code(each),
            again=each.again,
        )
        for each in observation.endings
    ]
    stream = observation.stream
    if stream is not None and all(each.stream for each in ends):
        ends += [
            End(sender, how, time, packet, False, how.upper(), below=True)
            for sender, how, time, packet in stream.shared.tcp_ends
        ]
    return ends


def _reason(frame: Frame, payload: bytes, connection: Connection) -> str | None:
    if frame.close_code is None:
        return None
    if payload:
        return payload[2:].decode("utf-8", "replace")
    reason: str | None = getattr(connection, f"{frame.sender}_close_reason")
    return reason


def _close(frame: Frame, reason: str | None, *, is_hixie: bool) -> CloseFrame:
    code = frame.close_code
    nothing, where = "no code, which the application sees as 1005", "RFC 6455 §7.4.1"
    if code is not None:
        where = "RFC 6455 §7.4.2"
    elif is_hixie:
        nothing, where = "ff 00, which has no code", "draft-hixie-76 §5.3"
    entry = registered(code) if code is not None else None
    return CloseFrame(
        sender=frame.sender,
        frame=frame.number,
        time=frame.time,
        packet=frame.packet,
        code=code,
        reason=reason,
        meaning=describe(code) if code is not None else nothing,
        reference=entry.reference if entry is not None else where,
    )


def _lacks_code(frame: Frame, connection: Connection) -> bool:
    """Tell whether a Close has a code that nobody could read; drafts are not looked into."""
    is_cut = frame.captured < frame.length and frame.length >= CODE
    return frame.close_code is None and is_cut and dialect(connection) == "rfc6455"


def _without_its_code(close: CloseFrame, connection: Connection) -> CloseFrame:
    lost = getattr(connection, f"{close.sender}_lost_bytes")
    why = "not in the capture" if lost else "missing: the frame ends before it"
    if close.sender in connection.sealed:
        why = "not in the capture, or sealed" if lost else "sealed: no key that is known opens it"
    meaning, reference = f"its code is {why}", "RFC 6455 §5.5.1"
    return replace(close, reason=None, meaning=meaning, reference=reference, code_missing=True)


def cut(connection: Connection, findings: Sequence[Finding]) -> str | None:
    """Return one sentence of who cut the connection without a Close, None where nobody did.

    The finding of that, where there is one, knows the other leg of a connection through a proxy.
    """
    told = [each for each in findings if each.check == OF_CUTS]
    if told:
        return told[0].message
    facts = Facts(connection)
    found = maybe_cut(facts)
    return sentence(facts, found) if found is not None else None
