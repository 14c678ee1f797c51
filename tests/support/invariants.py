"""What is true of every recording, whatever the packets were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from support.sessions import PLACE, frames_of, messages_of, rows_of
from wsanalyze.recording import Recording

OUTCOMES = {"established", "refused", "invalid", "unanswered", "unseen"}
ENDS = {"capture-end", "evicted", None}
ENDS |= {f"{role}-{how}" for role in ("client", "server") for how in ("close", "fin", "rst")}
NOT_DECODED = ("link", "truncated", "malformed", "fragment", "esp", "macsec", "wifi", "nested")
SPOKEN = ("websocket", "http", "tls", "other", "empty", "tls_empty")


def check(recording: Recording) -> None:
    """Assert it all; the recording must have frames, messages and hashes."""
    frames, messages = frames_of(recording), messages_of(recording)
    check_summaries(recording)
    by_sender: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    said: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for row in frames:
        by_sender[row["connection"], row["sender"]].append(row)
    for row in messages:
        said[row["connection"], row["sender"]].append(row)
    for serial, connection in enumerate(recording.connections):
        assert connection.serial == serial
        assert connection.outcome in OUTCOMES
        assert connection.ended_by in ENDS
        for sender, role in enumerate(("client", "server")):
            check_side(connection, role, by_sender[serial, sender], said[serial, sender])
    assert {key[0] for key in by_sender} <= set(range(len(recording.connections)))
    check_serials(recording)


def check_summaries(recording: Recording) -> None:
    """Every packet, conversation and attempt is counted once."""
    for each in recording.captures:
        seen = each.tcp_packets + each.udp_packets + each.other_packets + each.fragment_packets
        assert each.packets == seen + sum(getattr(each, f"not_decoded_{x}") for x in NOT_DECODED)
        assert each.tcp_conversations == sum(getattr(each, f"conversations_{x}") for x in SPOKEN)
        assert each.attempts == sum(getattr(each, f"attempts_{x}") for x in OUTCOMES)
        assert 0 <= each.captured_bytes <= each.wire_bytes
        assert each.cut_packets <= each.packets
    captures = recording.captures
    assert sum(each.attempts for each in captures) == len(recording.connections)
    assert sum(each.frames for each in captures) == len(list(rows_of(recording.frames)))
    assert sum(each.messages for each in captures) == len(list(rows_of(recording.messages)))


def check_side(
    connection: Any, role: str, frames: list[dict[str, Any]], messages: list[dict[str, Any]]
) -> None:
    """One sender's frames and messages agree with each other and with the connection's counts."""

    def count(name: str) -> int:
        number: int = getattr(connection, f"{role}_{name}")
        assert number >= 0
        return number

    assert count("frames") == len(frames)
    assert count("messages") == len(messages)
    assert count("pings") == sum(row["head"] & 15 == 9 for row in frames)
    assert count("pongs") == sum(row["head"] & 15 == 10 for row in frames)
    masked = sum(row["second"] >> 7 for row in frames)
    if role == "client":
        assert connection.client_unmasked_frames == len(frames) - masked
    else:
        assert connection.server_masked_frames == masked
    captured = sum(row["captured"] for row in frames)
    assert captured <= count("bytes")
    # Of a record of TLS nothing can be read where a byte was lost, or changed.
    if connection.tls is None:
        assert count("bytes") <= captured + count("lost_bytes")
    assert count("invalid_text_messages") == sum(row["utf8_valid"] == 0 for row in messages)
    assert count("incomplete_messages") == sum(not row["complete"] for row in messages)
    assert count("retransmissions") >= 0
    assert count("out_of_order") >= 0
    assert count("unread_bytes") >= 0
    handshake = connection.handshake
    # Without the request, an answer of Hixie-76 leaves open what its frames are.
    framing = handshake.framing if handshake is not None else "rfc6455"
    is_hixie = framing == "hixie" or (framing is None and connection.outcome == "unseen")
    check_frames(frames, range(1, 11) if is_hixie else (2, 4, 6, 8, 10, 14))
    check_messages(frames, messages)


def check_frames(frames: list[dict[str, Any]], headers: Sequence[int]) -> None:
    """Frames follow each other, none within another; `headers` are the lengths they may have."""
    end = 0
    for row in frames:
        assert row["header_length"] in headers
        assert 0 <= row["captured"] <= row["length"]
        assert row["offset"] >= end
        end = row["offset"] + row["header_length"] + row["captured"]
        is_close = row["head"] & 15 == 8
        assert -1 <= row["close_code"] <= (65535 if is_close else -1)
        if row["message"] >= 0:
            assert row["head"] & 15 in (0, 1, 2)


def check_messages(frames: list[dict[str, Any]], messages: list[dict[str, Any]]) -> None:
    """A message is the sum of its frames, and complete exactly where its digest is known."""
    for place, message in enumerate(messages):
        mine = [row for row in frames if row["message"] == place]
        assert message["frames"] == len(mine) > 0
        assert message["opcode"] == mine[0]["head"] & 15
        assert message["opcode"] in (1, 2)
        assert all(row["head"] & 15 == 0 for row in mine[1:])
        assert (message["packet"], message["time"]) == (mine[0]["packet"], mine[0]["time"])
        assert message["offset"] == mine[0]["offset"]
        assert message["complete"] == (message["sha256"] is not None)
        if message["complete"]:
            assert all(row["captured"] == row["length"] for row in mine)
            assert mine[-1]["head"] & 0x80
            assert message["wire_length"] == sum(row["length"] for row in mine)
            assert message["compressed"] or message["length"] == message["wire_length"]
        assert message["utf8_valid"] in (-1, 0, 1)
        assert message["utf8_valid"] == -1 or message["opcode"] == 1
        assert len(message["payload"]) <= max(message["length"], 0) or not message["complete"]


def check_serials(recording: Recording) -> None:
    """Each message has a serial, which frames of one sender have; the first is where it begins."""
    assert recording.frames is not None
    assert recording.messages is not None
    messages = list(rows_of(recording.messages))
    first: dict[int, tuple[int, ...]] = {}
    for row in rows_of(recording.frames):
        serial = row["message"]
        assert -1 <= serial < len(messages)
        if serial >= 0:
            place = tuple(row[name] for name in PLACE)
            assert first.setdefault(serial, place)[:2] == place[:2]
    assert sorted(first) == list(range(len(messages)))
    assert set(first.values()) == {tuple(row[name] for name in PLACE) for row in messages}
    for row in messages:
        assert 0 <= row["payload_start"] <= row["payload_stop"] <= len(recording.messages.payloads)
        assert -1 <= row["digest"] < len(recording.messages.digests) // 32
