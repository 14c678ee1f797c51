"""What happened to a connection, in a word each: checks that wait for it are called only there.

Telling all of them takes less time than calling the checks, nearly all of which find nothing.
"""

from __future__ import annotations

from wsanalyze.checks.control import EVEN_FROM, SEVERAL
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.randomness import may_be_weak
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Observation

# Word → when it holds. Those of one side hold where they do of either.
CIRCUMSTANCES = {
    "reset": "a RST, or RST_STREAM, was seen",
    "unclosed": "an end was seen, and one side sent no Close",
    "client-first": "both sides sent a Close, and the client ended TCP first",
    "lingering": "TCP stayed open after both Close frames for as long as is looked at",
    "after-end": "one side sent bytes after the other had ended",
    "odd-keys": "the client's masking keys are few, or may be weak",
    "pings": "a side sent as many Pings as are looked at, in a second or in all",
    "pongs": "several Pings of a side were answered",
    "unsolicited-pongs": "a side sent Pongs that answer nothing",
    "bursts": "a side sent messages in bursts behind pauses",
    "even": "a side sent messages, all of one length",
    "segments": "a side's frames and segments are not as many",
    "outflow": "the client sent as much as is looked at, more than it received",
    "pipelined": "requests were sent behind the upgrade",
    "with-response": "frames came in the response's segment",
    "slow": "the response took as long as is looked at",
    "troubled": "segments came again or late, windows closed, frames stalled",
    "lost": "bytes of a side are not in the capture",
    "conflicts": "copies of segments differ",
    "unseen": "the handshake was not seen",
    "one-sided": "frames of one side alone were seen",
    "open": "the capture ended before the connection",
    "tls": "it is in TLS",
    "sni": "TLS was asked for a name",
    "http2": "it is a stream of HTTP/2",
    "hixie-75": "the version is Hixie-75",
    "tunnel": "the address has the name of a tunnel in it",
}

SECOND = 1_000_000_000
# What addresses of tunnels have in them, see SEC-12.
TUNNELS = ("wstunnel", "websockify")
# How many times as many frames as segments, or the other way, are looked at at least.
UNEVEN = 1.5


def circumstances(facts: Facts) -> tuple[str, ...]:
    """Return the words of CIRCUMSTANCES that hold for a connection."""
    record, observation = facts.connection, facts.observation
    found: list[str] = []
    _of_the_end(facts, observation, found)
    _of_the_sides(facts, observation, found)
    if observation.client.masking_keys and may_be_weak(facts):
        found.append("odd-keys")
    _of_the_record(facts, record, found)
    _of_the_transport(record, observation, found)
    handshake = facts.handshake
    if handshake is not None:
        if not handshake.is_plainly_good and handshake.version == "hixie-75":
            found.append("hixie-75")
        target = handshake.request_head.target
        if target and (TUNNELS[0] in target or TUNNELS[1] in target):
            found.append("tunnel")
    return tuple(found)


def _of_the_end(facts: Facts, observation: Observation, found: list[str]) -> None:
    client, server = observation.client.close, observation.server.close
    endings = observation.endings
    if client is not None and server is not None:
        if endings and endings[0].sender == "client":
            found.append("client-first")
        closed = client.time if client.time > server.time else server.time
        until = endings[0].time if endings else facts.connection.ended
        if (until - closed) / SECOND > facts.thresholds.linger_s:
            found.append("lingering")
    elif endings:
        found.append("unclosed")
    for ending in endings:
        if ending.how == "rst":
            found.append("reset")
            break
    stream = observation.stream
    if stream is not None and any(how == "rst" for _, how, _, _ in stream.shared.tcp_ends):
        found.append("reset")
    if observation.client_after_end or observation.server_after_end:
        found.append("after-end")


def _of_the_sides(facts: Facts, observation: Observation, found: list[str]) -> None:
    client, server = observation.client, observation.server
    most = facts.thresholds.pings
    if (
        client.pings_in_second > most
        or server.pings_in_second > most
        or client.ping_ns.count >= EVEN_FROM
        or server.ping_ns.count >= EVEN_FROM
    ):
        found.append("pings")
    if client.pong_ns.count >= SEVERAL or server.pong_ns.count >= SEVERAL:
        found.append("pongs")
    if client.unsolicited_pongs or server.unsolicited_pongs:
        found.append("unsolicited-pongs")
    if client.bursts or server.bursts:
        found.append("bursts")
    for side in (client, server):
        lengths = side.message_lengths
        if lengths.count and lengths.least == lengths.most:
            found.append("even")
            break


def _of_the_record(facts: Facts, record: Connection, found: list[str]) -> None:
    observation, limits = facts.observation, facts.thresholds
    if observation.pipelined:
        found.append("pipelined")
    if observation.with_response:
        found.append("with-response")
    if (
        record.responded is not None
        and record.requested is not None
        and (record.responded - record.requested) / 1e9 >= limits.slow_handshake_s
    ):
        found.append("slow")
    if record.client_bytes >= limits.outflow:
        found.append("outflow")
    if record.outcome == "unseen":
        found.append("unseen")
    if record.ended_by == "capture-end":
        found.append("open")
    if bool(record.client_frames) != bool(record.server_frames):
        found.append("one-sided")
    if record.tls is not None:
        found.append("tls")
        if record.sni:
            found.append("sni")
    if observation.stream is not None:
        found.append("http2")


def _of_the_transport(record: Connection, observation: Observation, found: list[str]) -> None:
    if record.client_lost_bytes or record.server_lost_bytes:
        found.append("lost")
    if record.client_conflicts or record.server_conflicts:
        found.append("conflicts")
    if (
        record.client_retransmissions
        or record.server_retransmissions
        or record.client_out_of_order
        or record.server_out_of_order
        or observation.client_zero_windows
        or observation.server_zero_windows
        or observation.client_stalls
        or observation.server_stalls
    ):
        found.append("troubled")
    if _are_uneven(record.client_frames, observation.client_segments) or _are_uneven(
        record.server_frames, observation.server_segments
    ):
        found.append("segments")


def _are_uneven(frames: int, segments: int) -> bool:
    if not frames or not segments:
        return False
    return frames >= UNEVEN * segments or segments >= UNEVEN * frames
