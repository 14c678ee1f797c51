"""Transport (TRN): what is missing, contradicts itself, or stalls."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.bursts import told_bursts
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts, ending_name
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.one_way import maybe_unseen_end
from wsanalyze.checks.spans import octets
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Hole
from wsanalyze.transport.conflict import Conflict

SECOND = 1_000_000_000
SENDERS = ("client", "server")
_TRANSPORT = ("transport",)

_WHY = {
    "acknowledged": "it had been acknowledged before the other came",
    "checksum": "its checksum is right",
    "first": "nothing tells them apart",
}

# Segments of a connection that were sent again or out of order, from which it is worth a remark;
# and of how many of its segments one must be: fewer are what any path of the Internet loses.
REMARKABLE = 3
ONE_OF = 100

# Frames of a side from which it is worth a remark how they are put into segments, and how many
# frames must share a segment, or segments a frame, on average.
SEVERAL_FRAMES = 20
SHARED = 1.5

# Payload bytes of a full segment on Ethernet.
SEGMENT = 1448

# Seconds in which what was on its way when the other end closed still comes, on any path.
CROSSING_S = 1.0


@check(
    "TRN-01",
    "gap",
    "Bytes of the session are not in the capture",
    severity="warning",
    tags=(*_TRANSPORT, "capture"),
    references=(),
    explanation=(
        "Segments that the other end has acknowledged, or that others follow, are missing from the "
        "capture, or were cut to its snap length. The ends had them: nothing is wrong with the "
        "traffic, but what was in them is not known, and checks are silent about it. The packet "
        "is the first one behind what is missing, or the one that was cut; of what is missing "
        "before frames begin (of TLS, of the handshake) none is named here, but the table "
        "`segments` has it (`lost-before`). Of an end of which there is nothing at all PRX-18 "
        "tells."
    ),
    advice=(
        "Where the snap length cut packets: capture with -s 262144. Where packets are missing: "
        "with a larger buffer (dumpcap -B 64), or nearer to one of the ends."
    ),
    example="overrun.pcap",
    circumstances=("lost",),
)
def gap(facts: Facts) -> Iterator[Finding]:
    """TRN-01: one finding for each side."""
    record = facts.connection
    if not (record.client_lost_bytes or record.server_lost_bytes):
        return
    for sender in SENDERS:
        lost = getattr(record, f"{sender}_lost_bytes")
        if not lost or sender == maybe_unseen_end(facts):
            continue
        cut = getattr(record, f"{sender}_cut_bytes")
        unread = getattr(record, f"{sender}_unread_bytes")
        resyncs = getattr(record, f"{sender}_resyncs")
        message = f"{octets(lost)} of the {sender} are not in the capture"
        if cut:
            which = "them" if cut == lost else f"{cut} of them"
            message += f": the snap length cut {which} off"
        if resyncs:
            times = "once" if resyncs == 1 else f"{resyncs} times"
            message += f"; frames were found again behind them {times}"
        if unread:
            message += f"; {octets(unread)} could not be told apart into frames"
        holes = [hole for hole in facts.observation.holes if hole.sender == sender]
        first = holes[0] if holes else None
        yield Finding(
            message,
            sender=sender,
            time=first.time if first else None,
            packet=first.packet if first else None,
            evidence=_holes(holes) if first else None,
            coverage="gap",
        )


def _holes(holes: list[Hole]) -> str:
    """Say where the first one is, and how many more are kept."""
    more = f", and {len(holes) - 1} more" if len(holes) > 1 else ""
    return f"offset {holes[0].offset}, {octets(holes[0].length)}{more}"


@check(
    "TRN-02",
    "contradicting-copies",
    "Two segments bring different bytes for the same place",
    severity="warning",
    tags=(*_TRANSPORT, "security"),
    references=("RFC 9293 §3.10.7.4",),
    explanation=(
        "The same bytes were sent twice, and differ. Damage on the way does that, and then the "
        "checksum of one is wrong; so does somebody who wants the receiver and whoever watches to "
        "see different things."
    ),
    advice=(
        "Look at both copies: which one did the receiver take? TTL and checksum tell who sent it."
    ),
    example="damaged-segments.pcapng",
    circumstances=("conflicts",),
)
def contradicting_copies(facts: Facts) -> Iterator[Finding]:
    """TRN-02: the first conflict of each side, with how many there are."""
    record = facts.connection
    if not (record.client_conflicts or record.server_conflicts) or not facts.speaks_for_tcp:
        return
    for sender in SENDERS:
        count = getattr(record, f"{sender}_conflicts")
        kept = getattr(record, f"{sender}_contested")
        if not count:
            continue
        segments = "1 segment" if count == 1 else f"{count} segments"
        message = f"{segments} of the {sender} contradict earlier ones"
        if not kept:
            yield Finding(message, sender=sender)
            continue
        conflict: Conflict = kept[0]
        size = "1 byte" if conflict.length == 1 else f"{conflict.length} bytes"
        message += (
            f": first {size} from offset {conflict.offset} on, in packets "
            f"{conflict.first_packet} and {conflict.second_packet}; {_which(conflict)}"
        )
        evidence = f"{conflict.first[:16].hex(' ')} / {conflict.second[:16].hex(' ')}"
        yield Finding(
            message,
            sender=sender,
            packet=conflict.second_packet,
            evidence=evidence,
            count=count,
        )


def _which(conflict: Conflict) -> str:
    """Say which copy was read and why, and whether the receiver took the other."""
    if conflict.late:
        return (
            "the first copy was read, since it came in order; by the checksums the receiver "
            "dropped it and took the second: messages with these bytes are not what it had"
        )
    return f"the {conflict.used} copy was read ({_WHY[conflict.why]})"


@check(
    "TRN-03",
    "troubled-transport",
    "Retransmissions, closed windows or stalls",
    severity="info",
    tags=_TRANSPORT,
    references=("RFC 9293 §3.8",),
    explanation=(
        "Segments that were sent again say that some were lost on the way; a window of 0 says that "
        "the receiver does not read; a frame that stalls waits for either. All three make messages "
        "late without anybody's fault in WebSocket."
    ),
    advice="Retransmissions: look at the network. Closed windows: look at the receiver.",
    example="lossy-path-client.pcapng",
    circumstances=("troubled",),
    measures=True,
)
def troubled_transport(facts: Facts) -> Iterator[Finding]:
    """TRN-03: one finding for each side that has something to say."""
    record, observation = facts.connection, facts.observation
    if not facts.speaks_for_tcp:
        return
    for sender, again, late, closed, stalls in (
        (
            "client",
            record.client_retransmissions,
            record.client_out_of_order,
            observation.client_zero_windows,
            observation.client_stalls,
        ),
        (
            "server",
            record.server_retransmissions,
            record.server_out_of_order,
            observation.server_zero_windows,
            observation.server_stalls,
        ),
    ):
        is_lossy = again + late >= REMARKABLE and again + late >= _segments(facts, sender) / ONE_OF
        if not (is_lossy or closed or stalls):
            continue
        said = []
        if again:
            said.append(f"{again} {'segment' if again == 1 else 'segments'} sent again")
        if late:
            said.append(f"{late} out of order")
        if closed:
            for_s = getattr(observation, f"{sender}_window_zero_ns") / SECOND
            times = "once" if closed == 1 else f"{closed} times"
            said.append(f"a window of 0 announced {times}, for {for_s:.3f} s")
        if stalls:
            pauses = "1 pause" if stalls == 1 else f"{stalls} pauses"
            said.append(f"{pauses} of more than a second within a frame")
        yield Finding(f"the {sender}: {', '.join(said)}", sender=sender)


def _segments(facts: Facts, sender: str) -> int:
    """Return how many segments an end sent, about: as many as frames, or as its bytes need."""
    frames: int = getattr(facts.connection, f"{sender}_frames")
    length: int = getattr(facts.connection, f"{sender}_bytes")
    return max(frames, length // SEGMENT)


_Ends = tuple[str, int, str, int]


def _ends(record: Connection) -> _Ends:
    return record.client_ip, record.client_port, record.server_ip, record.server_port


@check(
    "TRN-07",
    "ports-reused",
    "The same addresses and ports were used again",
    severity="info",
    tags=_TRANSPORT,
    references=("RFC 9293 §3.4",),
    explanation=(
        "Two TCP connections used the same addresses and ports one after the other; they are told "
        "apart by their sequence numbers. Logs that only have addresses mix them up."
    ),
    advice="Use tcp_stream and the time to join with other logs.",
    scope=CAPTURE,
    example="ports-again.pcapng",
)
def ports_reused(facts: CaptureFacts) -> Iterator[Finding]:
    """TRN-07: one finding for each pair of ends.

    Connections of the same ends at the same time are copies: of two captures, two legs, two VLANs.
    """
    ends = [_ends(each.connection) for each in facts.connections]
    if len(set(ends)) == len(ends):
        return
    seen: dict[_Ends, dict[tuple[str, int], Facts]] = {}
    for pair, each in zip(ends, facts.connections, strict=True):
        conversation = (each.connection.capture, each.connection.conversation)
        seen.setdefault(pair, {}).setdefault(conversation, each)
    for (ip, port, _, _), conversations in seen.items():
        if len(conversations) < 2:
            continue
        count, ended, last = 0, None, None
        for each in sorted(conversations.values(), key=lambda each: each.connection.started):
            if ended is None or each.connection.started >= ended:
                count, last = count + 1, each
            ended = max(ended or 0, each.connection.ended)
        if count > 1 and last is not None:
            message = f"{count} TCP connections came from {ip}:{port}, one by one"
            yield facts.about(last, last.once("client", message))


@check(
    "TRN-08",
    "half-closed",
    "One end went on sending after the other had closed",
    severity="info",
    tags=(*_TRANSPORT, "close"),
    references=("RFC 6455 §7.1.1", "RFC 9293 §3.6"),
    explanation=(
        "TCP lets one direction end while the other goes on. WebSocket has no use for that: who "
        "has sent a FIN does not read any more in most programs, and what came later is lost."
    ),
    advice="Close with a Close frame, and read until the other end's comes.",
    example="ports-again.pcapng",
    circumstances=("after-end",),
)
def half_closed(facts: Facts) -> Iterator[Finding]:
    """TRN-08: what was on its way already is nobody's fault, and neither is the answer to a Close.

    RFC 6455 §5.5.1: who has received a Close sends one; the other end may have closed meanwhile.
    """
    observation = facts.observation
    if not (observation.client_after_end or observation.server_after_end):
        return
    for sender, count in (
        ("client", observation.client_after_end),
        ("server", observation.server_after_end),
    ):
        if not (count and facts.established):
            continue
        other = "server" if sender == "client" else "client"
        # Of thousands of endings the first are kept: the other end's may not be among them.
        first = next((each for each in observation.endings if each.sender == other), None)
        side, last = facts.side(sender), facts.side(sender).last
        if first is None or last is None or last.time - first.time <= CROSSING_S * SECOND:
            continue
        if side.close is not None and count <= side.close.header_length + side.close.length:
            continue
        how = ending_name(first)
        until = f"until {(last.time - first.time) / SECOND:.1f} s later"
        yield Finding(
            f"the {sender} sent {octets(count)} after the {other}'s {how}, {until}",
            sender=sender,
            time=first.time,
            packet=first.packet,
            evidence=how,
            severity="info" if facts.side(other).close is not None else "warning",
        )


@check(
    "TRN-09",
    "segmentation",
    "Frames do not come one a segment",
    severity="info",
    tags=_TRANSPORT,
    references=("RFC 9293 §3.7.4", "RFC 6455 §5.4"),
    explanation=(
        "Where a program writes a frame, TCP sends a segment, most often. Many frames in one were "
        "gathered: by a program that writes several at once, by Nagle's algorithm, which holds "
        "small ones back until what was sent before is acknowledged, or by a proxy. More segments "
        "than the bytes need say that each frame is written in pieces, such as its header first: "
        "with Nagle's algorithm the second piece waits for an acknowledgment, 40 ms or more. "
        "Where the capture was taken on the sender itself, segments are larger than on the wire."
    ),
    advice=(
        "Frames in pieces: write header and payload at once. Frames that wait for each other: set "
        "TCP_NODELAY."
    ),
    example="unruly-peers.pcapng",
    circumstances=("segments",),
    measures=True,
)
def segmentation(facts: Facts) -> Iterator[Finding]:
    """TRN-09: one finding for each side of which most frames share segments, or take several."""
    record, observation = facts.connection, facts.observation
    if record.scheme != "ws" or record.responded is None:
        return
    for sender, frames, size, segments in (
        ("client", record.client_frames, record.client_bytes, observation.client_segments),
        ("server", record.server_frames, record.server_bytes, observation.server_segments),
    ):
        if frames < SEVERAL_FRAMES or not segments or not facts.whole(sender):
            continue
        # What came in the response's segment needs none of its own.
        extra = 1 if sender == "server" and observation.with_response else 0
        needed = frames + size // SEGMENT
        if frames >= SHARED * (segments + extra):
            if told_bursts(facts, sender) is not None:
                # PRX-17 tells what they were gathered for.
                continue
            what = f"{frames / (segments + extra):.1f} frames in each"
        elif segments >= SHARED * needed:
            what = f"{segments / frames:.1f} for each, and they need {needed} at most"
        else:
            continue
        message = f"the {sender}'s {frames} frames came in {segments + extra} segments, {what}"
        yield Finding(message, sender=sender)
