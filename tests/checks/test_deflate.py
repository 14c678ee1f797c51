"""permessage-deflate: what breaks the agreement or does not inflate, and what is only rare."""

from __future__ import annotations

import hashlib
import io
import zlib
from typing import Any

import pytest
from support.packets import ACK as ACKNOWLEDGED
from support.packets import CLIENT, FIN, SERVER, SYN, pcap_of, segment
from support.sessions import DEFLATE, frame, masked, request, response

from checks.given import REQUEST as PLAIN_REQUEST
from checks.given import RESPONSE as PLAIN_RESPONSE
from checks.given import (
    connection,
    event,
    found,
    found_in,
    handshake,
    messages,
    observed,
    with_fields,
)
from wsanalyze.checks import deflate as checks
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.websocket.deflate import MOST_FINAL_BLOCKS, WATCHED
from wsanalyze.websocket.handshake import Handshake

TEXT = b" ".join(b"%d words that come again and again" % number for number in range(400))


def noise_of(seed: int, length: int) -> bytes:
    """Return bytes that do not compress, the same ones each time."""
    return hashlib.shake_256(bytes([seed])).digest(length)


class Sender:
    """A sender's compressor, which may keep more than was agreed."""

    def __init__(self, bits: int = 15) -> None:
        self.coder = zlib.compressobj(9, zlib.DEFLATED, -bits)

    def message(self, payload: bytes, *, masks: bool = True) -> bytes:
        data = self.coder.compress(payload) + self.coder.flush(zlib.Z_SYNC_FLUSH)
        return (masked if masks else frame)(data[:-4], rsv=4)


def recorded(client: bytes, agreed: str, *, observe: bool = True) -> Recording:
    """Return a session in which the client sends these frames, in segments of 1,000 bytes."""
    offer = DEFLATE + "; client_max_window_bits; server_max_window_bits=15"
    asked, answered = request(offer), response(f"{DEFLATE}; server_max_window_bits=15{agreed}")
    packets = [
        segment(CLIENT, SERVER, 999, 0, SYN),
        segment(SERVER, CLIENT, 4999, 1000, SYN | ACKNOWLEDGED),
        segment(CLIENT, SERVER, 1000, 5000, ACKNOWLEDGED, asked),
        segment(SERVER, CLIENT, 5000, 1000 + len(asked), ACKNOWLEDGED, answered),
    ]
    at = 1000 + len(asked)
    for start in range(0, len(client), 1000):
        piece = client[start : start + 1000]
        packets.append(segment(CLIENT, SERVER, at, 5000 + len(answered), ACKNOWLEDGED, piece))
        at += len(piece)
    packets.append(segment(CLIENT, SERVER, at, 5000 + len(answered), FIN | ACKNOWLEDGED))
    wants = Wants(observe=observe, payloads="full")
    return read([io.BytesIO(pcap_of(packets))], wants=wants, limits=Limits())


def findings(recording: Recording) -> list[Finding]:
    """Return what the checks of this file find, remarks left out."""
    mine = [each for each in catalogue() if each in vars(checks).values()]
    facts = [Facts(record) for record in recording.connections]
    return [each for each in Audit(mine).findings(facts, []) if each.severity != "info"]


def payloads(recording: Recording) -> list[bytes]:
    rows = recording.messages
    assert rows is not None
    return [
        bytes(rows.payloads[rows.arrays()["payload_start"][i] : rows.arrays()["payload_stop"][i]])
        for i in range(rows.count)
    ]


class TestAgreement:
    def test_a_message_that_needs_the_one_before_is_read_and_blamed(self) -> None:
        sender = Sender()
        frames = sender.message(TEXT) + sender.message(TEXT)
        recording = recorded(frames, "; client_no_context_takeover")
        assert payloads(recording) == [TEXT, TEXT]
        (finding,) = findings(recording)
        assert (finding.check, finding.severity, finding.sender) == ("EXT-13", "error", "client")
        assert finding.frame == 1
        assert finding.expected == "client_no_context_takeover"

    def test_there_is_no_message_before_the_first_one(self) -> None:
        sender = Sender()
        sender.message(TEXT)
        recording = recorded(sender.message(TEXT), "; client_no_context_takeover")
        (finding,) = findings(recording)
        assert finding.check == "PMD-01"
        assert "too far back" in finding.message

    def test_behind_a_message_that_was_too_long_to_be_watched(self) -> None:
        sender = Sender()
        noise = noise_of(7, WATCHED + 50_000)
        said = [TEXT, noise, noise[-20_000:]]
        frames = b"".join(sender.message(each) for each in said)
        recording = recorded(frames, "; client_no_context_takeover")
        assert payloads(recording)[0] == TEXT
        assert payloads(recording)[2] == noise[-20_000:]
        assert [(each.check, each.frame) for each in findings(recording)] == [("EXT-13", 2)]

    def test_a_reference_in_the_middle_of_a_long_message(self) -> None:
        sender = Sender()
        noise = noise_of(7, 15_000)
        said = [noise, noise_of(8, 9_000) + noise[-8_000:] + TEXT]
        frames = b"".join(sender.message(each) for each in said)
        recording = recorded(frames, "; client_no_context_takeover")
        assert payloads(recording) == said
        assert [(each.check, each.frame) for each in findings(recording)] == [("EXT-13", 1)]

    def test_a_new_context_for_each_message_is_what_was_agreed(self) -> None:
        frames = Sender().message(TEXT) + Sender().message(TEXT)
        recording = recorded(frames, "; client_no_context_takeover")
        assert payloads(recording) == [TEXT, TEXT]
        assert findings(recording) == []

    def test_a_window_that_is_too_large(self) -> None:
        far = bytes(range(256)) * 8 + b"x" * 3000 + bytes(range(256)) * 8
        recording = recorded(Sender().message(far), "; client_max_window_bits=9")
        assert payloads(recording) == [far]
        (finding,) = findings(recording)
        assert finding.check == "EXT-13"
        assert finding.expected == "client_max_window_bits=9"
        assert "512 were agreed" in finding.message

    @pytest.mark.parametrize("bits", range(9, 16))
    def test_the_window_that_was_agreed(self, bits: int) -> None:
        sender = Sender(bits)
        frames = sender.message(TEXT) + sender.message(TEXT)
        assert findings(recorded(frames, f"; client_max_window_bits={bits}")) == []

    def test_nobody_looks_where_nothing_was_limited(self) -> None:
        sender = Sender()
        recording = recorded(sender.message(TEXT) + sender.message(TEXT), "")
        assert findings(recording) == []

    def test_behind_a_hole_it_cannot_be_known(self) -> None:
        far = event("window", value=2000, certain=False)
        record = connection(agreed("; client_max_window_bits=9"), observation=observed(far))
        assert found(checks.deflate_agreement_broken, record) == []


def agreed(parameters: str) -> Handshake:
    extension = "Sec-WebSocket-Extensions: permessage-deflate"
    return handshake(
        with_fields(PLAIN_REQUEST, f"{extension}; client_max_window_bits"),
        with_fields(PLAIN_RESPONSE, extension + parameters),
    )


class TestInflating:
    def test_what_is_no_deflate_data(self) -> None:
        recording = recorded(masked(b"\xff\xff\xff\xff", rsv=4), "")
        (finding,) = findings(recording)
        assert (finding.check, finding.severity, finding.frame) == ("PMD-01", "error", 0)
        assert "invalid" in finding.message

    def test_the_first_one_behind_that_does(self) -> None:
        good = Sender().message(TEXT)
        frames = masked(b"\xff\xff\xff\xff", rsv=4) + good + Sender().message(TEXT)
        (record,) = recorded(frames, "").connections
        assert record.observation is not None
        again = record.observation.of("inflated-again")
        assert [(each.sender, each.frame) for each in again] == [("client", 1)]

    def test_an_empty_message_and_one_that_is_not_compressed(self) -> None:
        assert findings(recorded(masked(b"\x00", rsv=4) + masked(b"plain"), "")) == []

    def test_behind_missing_bytes_it_is_nobodys_fault(self) -> None:
        broken = observed(event("not-inflated", payload=b"invalid distance too far back"))
        record = connection(observation=broken, client_lost_bytes=100)
        assert found(checks.message_does_not_inflate, record) == []
        (finding,) = found(checks.context_lost, record)
        assert finding.message.startswith("1 message of the client could not be inflated")
        assert finding.severity == "warning"
        assert finding.message.endswith("; nor could any after that")

    def test_in_front_of_the_capture_nothing_was_lost(self) -> None:
        broken = observed(event("not-inflated", payload=b"invalid distance too far back"))
        (finding,) = found(checks.context_lost, connection(outcome="unseen", observation=broken))
        assert finding.severity == "info"
        assert "refer to what was before the capture" in finding.message

    def test_from_where_content_is_right_again(self) -> None:
        for number, where in ((7, "frame 7"), (None, "packet 31")):
            again = event("inflated-again", frame=number, packet=31)
            seen = observed(event("not-inflated", payload=b"invalid distance"), again)
            record = connection(observation=seen, client_lost_bytes=100)
            (finding,) = found(checks.context_lost, record)
            assert finding.message.endswith(f"; from {where} on content is right again")

    def test_nothing_is_missing_and_nothing_is_lost(self) -> None:
        assert found(checks.context_lost, connection(client_lost_bytes=5)) == []


class TestBombs:
    def test_a_megabyte_of_zeros(self) -> None:
        recording = recorded(Sender().message(bytes(4_000_000)), "")
        (finding,) = findings(recording)
        assert (finding.check, finding.severity) == ("PMD-02", "warning")
        assert "inflate to 4000000" in finding.message

    def test_a_large_text_that_repeats_itself_a_little(self) -> None:
        below = event("inflate-ratio", value=99 * 20_000, part=20_000)
        assert found(checks.inflates_too_much, connection(observation=observed(below))) == []

    def test_many_streams_in_one_message_are_rare_and_no_bomb(self) -> None:
        recording = recorded(masked(b"\x03\x00" * (MOST_FINAL_BLOCKS + 1), rsv=4), "")
        (record,) = recording.connections
        assert record.observation is not None
        assert record.observation.count("final-block", "client") == 1
        assert findings(recording) == []

    def test_what_a_limit_cut(self) -> None:
        record = connection(observation=observed(event("inflate-cut", value=67_108_864)))
        (finding,) = found(checks.inflates_too_much, record)
        assert "more than 67108864 bytes" in finding.message


def counted(**counts: Any) -> Any:
    """Return a session with compression whose client has these counts."""
    observation = observed()
    for name, value in counts.items():
        setattr(observation.client, name, value)
    return connection(agreed(""), observation=observation)


class TestRemarks:
    def test_some_are_compressed(self) -> None:
        mixed = counted(compressed=3, uncompressed=1, compressed_length=900, compressed_wire=300)
        (finding,) = found(checks.partly_compressed, mixed)
        assert finding.message == (
            "3 of the client's 4 messages are compressed, which saved 600 of 900 bytes"
        )
        one = counted(compressed=1, uncompressed=3, compressed_length=9, compressed_wire=10)
        assert messages(found(checks.partly_compressed, one)) == [
            "1 of the client's 4 messages is compressed, which cost 1 of 9 bytes"
        ]
        assert found(checks.partly_compressed, counted(compressed=4)) == []
        assert found(checks.partly_compressed, counted(uncompressed=4)) == []

    def test_most_grow(self) -> None:
        def grown(count: int, **facts: int) -> Connection:
            sums = {"compressed": 22, "compressed_wire": 300, "compressed_length": 200} | facts
            record = counted(**sums)
            assert record.observation is not None
            record.observation.events.append(event("grew", value=2, part=4))
            record.observation.counts["grew", "client"] = count
            return record

        (finding,) = found(checks.grown_messages, grown(20))
        assert finding.message == (
            "20 of the client's 22 compressed messages grew: 300 bytes were sent for 200"
        )
        # Few, or not nearly all of them, or the others made up for it.
        assert found(checks.grown_messages, grown(19)) == []
        assert found(checks.grown_messages, grown(20, compressed=23)) == []
        assert found(checks.grown_messages, grown(20, compressed_length=300)) == []

    def test_an_empty_message_of_no_bytes_breaks_the_next_one(self) -> None:
        """Its receiver appends a tail, which alone is the beginning of another block."""
        (finding,) = found(
            checks.unusual_deflate, connection(observation=observed(event("empty-compressed")))
        )
        assert (finding.severity, finding.expected) == ("warning", "00")
        receiver = zlib.decompressobj(wbits=-15)
        assert receiver.decompress(b"\0\0\xff\xff") == b""
        with pytest.raises(zlib.error):
            receiver.decompress(b"\xcaH\xcd\xc9\xc9W\x00\x00\x00\x00\xff\xff")
        legal = connection(observation=observed(event("empty-compressed", value=2)))
        assert [each.severity for each in found(checks.unusual_deflate, legal)] == ["info"]

    def test_rare_ways(self) -> None:
        rare = observed(event("final-block", value=1), event("empty-compressed", value=2))
        assert len(found(checks.unusual_deflate, connection(observation=rare))) == 2

    def test_recorded_sessions_with_compression_break_nothing(self) -> None:
        for name in ("websockets-deflate.pcapng", "deflate-parameters.pcapng", "ws-ipv6.pcapng"):
            for check in (checks.deflate_agreement_broken, checks.message_does_not_inflate):
                assert found_in(check, name) == []
        assert found_in(checks.partly_compressed, "ws-ipv6.pcapng")
