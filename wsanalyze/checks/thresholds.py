"""Where a quantity becomes a finding: every number that no RFC gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers that checks compare with; seconds, bytes or counts as their comments say."""

    # Seconds without an answer to the request: what clients give up after (websockets 10, ws none).
    handshake_s: float = 10.0
    # Seconds from request to response that are worth a remark.
    slow_handshake_s: float = 1.0
    # Seconds without an answer to a Ping (websockets 20, Engine.IO 20) or a Close (websockets 10).
    pong_s: float = 20.0
    close_s: float = 10.0
    # Seconds after which who gave up on such an answer was not hasty: frames and their answers are
    # quicker on any path of the Internet.
    answer_s: float = 1.0
    # Seconds that TCP may stay open when both Close frames were seen.
    linger_s: float = 10.0
    # A frame larger than this, in bytes, is named: common servers refuse above 1 to 100 MiB.
    frame: int = 16 * 1024 * 1024
    # A message of more fragments than this, which carry fewer bytes than that on average.
    fragments: int = 64
    fragment: int = 8
    # Bytes that a frame must declare to be bait, when less than a hundredth of them comes.
    bait: int = 1 << 20
    # Seconds in which no more than that came: TCP sends again after a loss within one or two.
    bait_s: float = 5.0
    # Inflated : compressed. Text rarely exceeds 50; DEFLATE cannot exceed 1032.
    inflate_ratio: int = 100
    # Pings of one end within a second. Keep-alive needs one in 20 s.
    pings: int = 20
    # Bytes of a client, and times what it received, from which it sends much: 100 MB.
    outflow: int = 100_000_000
    outflow_ratio: int = 20
    # Deviation : mean of the intervals between messages below which they are a machine's.
    beacon_jitter: float = 0.05
    beacon_messages: int = 20
    # Seconds, and part of the interval, within which two idle times are the same time limit.
    idle_s: float = 2.0
    idle_part: float = 0.02
    # Connections that must have been cut alike, and how many groups that are as much alike chance
    # may be expected to make of the other times: one capture in twenty.
    alike: int = 2
    chance: float = 0.05
    # Attempts of one client to one endpoint within a minute that make a reconnect loop.
    reconnects: int = 5
    # Hops by which the TTL of a reset may differ from that of its sender's other packets.
    hops: int = 2
    # Seconds between the FINs or RSTs to both ends that a middlebox sends when it cuts.
    both_ends_s: float = 0.05


# What each is, for people who want to change it.
MEANINGS: Mapping[str, str] = {
    "handshake_s": "seconds without an answer to the request after which it is `unanswered`",
    "slow_handshake_s": "seconds from request to response that are worth a remark",
    "pong_s": "seconds without an answer to a Ping",
    "close_s": "seconds without an answer to a Close",
    "answer_s": "seconds after which who gave up on an answer was not hasty",
    "linger_s": "seconds that TCP may stay open when both Close frames were sent",
    "frame": "bytes of a frame from which it is large",
    "fragments": "fragments of a message from which they are many, if they are small",
    "fragment": "bytes of a fragment, on average, below which they are small",
    "bait": "bytes that a frame must declare to be bait, if hardly any of them come",
    "bait_s": "seconds in which no more of such a frame came",
    "inflate_ratio": "inflated bytes for each compressed one from which a message is a bomb",
    "pings": "Pings of one end within a second from which they are a flood",
    "outflow": "bytes that a client sends from which it sends much",
    "outflow_ratio": "times what it received from which a client sends much",
    "beacon_jitter": "deviation of intervals, in parts of their mean, below which it is a machine",
    "beacon_messages": "messages from which intervals are looked at",
    "idle_s": "seconds within which two idle times are the same time limit",
    "idle_part": "part of an idle time within which two are the same time limit",
    "alike": "connections that must have been cut after the same idle time",
    "chance": "groups as much alike that chance may make of other times in a capture",
    "reconnects": "attempts of a client within a minute from which they are a loop",
    "hops": "hops by which the TTL of a reset may differ from that of its sender's packets",
    "both_ends_s": "seconds between resets to both ends that one middlebox sends",
}


def described() -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each threshold."""
    for each in fields(Thresholds):
        yield (
            each.name,
            f"{each.default:g}" if isinstance(each.default, float) else str(each.default),
            MEANINGS[each.name],
        )
