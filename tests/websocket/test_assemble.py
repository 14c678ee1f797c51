"""Frames of one side become messages: against the websockets library, and recorded sessions."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

import wsanalyze
from wsanalyze.buffer import Buffer
from wsanalyze.capture.source import open_capture
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.tcp import Transport
from wsanalyze.websocket.assemble import MOST_BYTES, MOST_RATIO, Message, assemble
from wsanalyze.websocket.drafts import scan_draft_frames
from wsanalyze.websocket.extensions import Deflate, negotiated
from wsanalyze.websocket.frames import Frame, scan_frames
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import head_end, read_head
from wsanalyze.websocket.hixie import scan_hixie_frames

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
# Of what is not captured as a whole, nobody expects all; of HTTP/2, TCP's bytes are not the frames.
TRUTHS = sorted(
    path
    for path in set(CAPTURES.glob("*.truth.json")) - set(CAPTURES.glob("http2-*"))
    if "partial" not in json.loads(path.read_text(encoding="utf-8"))
)
PLAIN = negotiated(["permessage-deflate"], ["permessage-deflate"])


def messages(data: bytes, deflate: Deflate | None = None, sender: str = "server") -> list[Message]:
    return list(assemble(scan_frames(data), deflate, sender=sender))


def frame(first: int, payload: bytes = b"") -> bytes:
    """Return an unmasked frame with that first byte."""
    return bytes((first, len(payload))) + payload


def compressed(payload: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return (squeezer.compress(payload) + squeezer.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # RFC 6455 §5.7: unmasked, masked, fragmented with a Ping between.
        (b"\x81\x05Hello", [("text", b"Hello", 1, True, True)]),
        (bytes.fromhex("818537fa213d7f9f4d5158"), [("text", b"Hello", 1, True, True)]),
        (b"\x01\x03Hel\x89\x05Hello\x80\x02lo", [("text", b"Hello", 2, True, True)]),
        # An empty one, and one that ends in an empty fragment.
        (b"\x82\x00", [("binary", b"", 1, True, None)]),
        (b"\x02\x01a\x80\x00", [("binary", b"a", 2, True, None)]),
        # Interrupted by another; never ended; cut inside a payload; cut inside a header.
        (b"\x01\x01a\x82\x01b", [("text", b"a", 1, False, None), ("binary", b"b", 1, True, None)]),
        (b"\x01\x01a\x00\x01b", [("text", b"ab", 2, False, None)]),
        (b"\x81\x05He", [("text", b"He", 1, False, None)]),
        (b"\x81", []),
        # A continuation of nothing, a reserved opcode, control frames without FIN or with one.
        (b"\x80\x01a\x83\x01b\x09\x00\x88\x02\x03\xe8", []),
        # A character over two fragments; text that is none, whole and cut.
        (b"\x01\x01\xc3\x80\x01\xa9", [("text", "é".encode(), 2, True, True)]),
        (b"\x81\x01\xff", [("text", b"\xff", 1, True, False)]),
        (b"\x81\x03\xff", [("text", b"\xff", 1, False, False)]),
        (b"\x81\x01\xc3", [("text", b"\xc3", 1, True, False)]),
    ],
)
def test_what_frames_make(data: bytes, expected: list[tuple[Any, ...]]) -> None:
    found = [
        (each.type, each.payload, len(each.frames), each.complete, each.utf8_valid)
        for each in messages(data)
    ]
    assert found == expected
    assert not any(each.compressed for each in messages(data))


def test_frames_are_those_that_carried_it() -> None:
    (message,) = messages(b"\x01\x03Hel\x89\x00\x80\x02lo")
    assert [(each.offset, each.opcode) for each in message.frames] == [(0, 1), (7, 0)]


def test_compressed_example_of_rfc_7692() -> None:
    # §7.2.3.1 and §7.2.3.2: the same message twice, the second by the window.
    data = bytes.fromhex("c107f248cdc9c90700") + bytes.fromhex("c105f200110000")
    assert [each.payload for each in messages(data, PLAIN)] == [b"Hello", b"Hello"]


@pytest.mark.parametrize("sender", ["client", "server"])
def test_a_window_that_is_kept_against_the_agreement_is_read(sender: str) -> None:
    deflate = negotiated(["permessage-deflate"], ["permessage-deflate; server_no_context_takeover"])
    data = bytes.fromhex("c107f248cdc9c90700") + bytes.fromhex("c105f200110000")
    assert [each.payload for each in messages(data, deflate, sender)] == [b"Hello", b"Hello"]


def test_only_rsv1_of_the_first_frame_counts() -> None:
    payload = compressed(b"Hello")
    data = frame(0x41, payload[:2]) + frame(0x80, payload[2:]) + frame(0x81, b"plain")
    assert [(each.compressed, each.payload) for each in messages(data, PLAIN)] == [
        (True, b"Hello"),
        (False, b"plain"),
    ]


def test_rsv1_says_nothing_where_nothing_was_agreed() -> None:
    (message,) = messages(frame(0xC1, b"Hello"))
    assert (message.payload, message.compressed) == (b"Hello", False)


def test_per_frame_compression_is_left_as_it_is() -> None:
    deflate = negotiated(["x-webkit-deflate-frame"], ["x-webkit-deflate-frame"])
    (message,) = messages(frame(0xC2, b"Hello"), deflate)
    assert (message.payload, message.compressed) == (b"Hello", False)


def test_what_cannot_be_decompressed_is_incomplete_and_the_next_is_read() -> None:
    data = frame(0xC1, b"\xff\xff") + frame(0xC1, compressed(b"Hello"))
    found = messages(data, PLAIN)
    assert [(each.complete, each.payload) for each in found] == [(False, b""), (True, b"Hello")]


def test_limits_bound_what_a_message_becomes() -> None:
    bomb = compressed(bytes(40 * 1024 * 1024))
    data = b"\xc2\x7f" + len(bomb).to_bytes(8, "big") + bomb
    (by_length,) = assemble(scan_frames(data), PLAIN, sender="server", limit=1_000_000)
    (by_ratio,) = assemble(scan_frames(data), PLAIN, sender="server")
    assert not by_length.complete
    assert not by_ratio.complete
    assert len(by_length.payload) <= 1_000_000
    assert len(by_ratio.payload) <= MOST_RATIO * len(bomb)


def test_limits_are_those_of_captures() -> None:
    assert (Limits().message, Limits().inflate_ratio) == (MOST_BYTES, MOST_RATIO)


@pytest.mark.parametrize("sender", [None, "", "Client"])
def test_each_side_has_its_own_parameters(sender: str | None) -> None:
    with pytest.raises(ValueError, match="'client' or 'server'"):
        assemble([], PLAIN, sender=sender)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_make_it_raise(data: bytes, agreed: bool) -> None:
    for message in messages(data, PLAIN if agreed else None):
        assert message.frames
        assert message.complete or message.utf8_valid is not True


# What an application says: (text?, fragments), with a Ping between every two fragments.
SAYINGS = st.lists(
    st.tuples(st.booleans(), st.lists(st.text(max_size=60), min_size=1, max_size=4)), max_size=6
)
OFFERS = st.sampled_from([None, (False, False), (True, False), (False, True), (True, True)])


def shaken(offer: tuple[bool, bool] | None) -> tuple[ClientProtocol, ServerProtocol, Handshake]:
    """Return both ends of the websockets library after their handshake, and our reading of it."""
    client_extensions = server_extensions = None
    if offer is not None:
        server, client = offer
        client_extensions = [ClientPerMessageDeflateFactory(server, client)]
        server_extensions = [ServerPerMessageDeflateFactory(server, client)]
    one = ClientProtocol(parse_uri("ws://example.com/chat"), extensions=client_extensions)
    other = ServerProtocol(extensions=server_extensions)
    one.send_request(one.connect())
    asked = b"".join(one.data_to_send())
    other.receive_data(asked)
    (request,) = other.events_received()
    other.send_response(other.accept(request))  # type: ignore[arg-type]
    answered = b"".join(other.data_to_send())
    one.receive_data(answered)
    assert head_end(asked) == len(asked)
    return one, other, Handshake(read_head(asked), read_head(answered))


@given(SAYINGS, OFFERS, st.booleans())
def test_what_the_websockets_library_sends(
    sayings: list[tuple[bool, list[str]]], offer: tuple[bool, bool] | None, from_client: bool
) -> None:
    client, server, handshake = shaken(offer)
    assert (handshake.deflate is None) is (offer is None)
    speaker: Protocol = client if from_client else server
    for is_text, (first, *rest) in sayings:
        send = speaker.send_text if is_text else speaker.send_binary
        send(first.encode(), fin=not rest)
        for place, fragment in enumerate(rest):
            speaker.send_ping(b"between")
            speaker.send_continuation(fragment.encode(), fin=place == len(rest) - 1)
    data = b"".join(speaker.data_to_send())
    found = messages(data, handshake.deflate, "client" if from_client else "server")
    assert [(each.type, each.payload, len(each.frames)) for each in found] == [
        ("text" if is_text else "binary", "".join(parts).encode(), len(parts))
        for is_text, parts in sayings
    ]
    for each in found:
        assert each.complete
        assert each.compressed is (offer is not None)
        assert each.utf8_valid is (True if each.type == "text" else None)


class Tape(Layer):
    """Keeps what each side sent, as it was put in order."""

    def __init__(self) -> None:
        self.sent = (bytearray(), bytearray())

    def data(self, side: int, buffer: Buffer, start: int, stop: int, *_where: int) -> int:
        self.sent[side].extend(buffer.copy(start, stop))
        return 0

    def gap(self, side: int, length: int, *_where: int) -> int:
        raise AssertionError(f"{length} bytes of side {side} are missing")


def streams(capture: Path) -> dict[int, Tape]:
    """Return what was said in each TCP conversation of a capture."""
    tapes: dict[int, Tape] = {}

    def listen(conversation: Conversation) -> Layer:
        return tapes.setdefault(conversation.index, Tape())

    transport = Transport(listen, lambda _: None, Limits(), None, 1)
    with open_capture(capture) as reader:
        while (batch := reader.next()) is not None:
            transport.feed(batch, PacketCounts())
    transport.finish()
    return tapes


def scanned(data: bytes, handshake: Handshake | None, sender: str) -> Iterator[Frame]:
    """Return the frames of one side's stream, as the version of the connection has them."""
    framing = handshake.framing if handshake is not None else "rfc6455"
    if framing == "hixie":
        return scan_hixie_frames(data)
    if framing == "draft" and handshake is not None:
        return scan_draft_frames(data, int(handshake.version or 0), sender)
    return scan_frames(data)


def sides(session: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, list[Message]]]:
    """Yield the truth of each connection, a sender, and that sender's assembled messages."""
    capture = CAPTURES / session["capture"]
    analysis = wsanalyze.analyze(capture)
    tapes = streams(capture)
    for connection, wanted in zip(analysis, session["connections"], strict=True):
        facts = connection.facts
        for sender in ("client", "server"):
            mine = [each for each in connection.frames if each.sender == sender]
            if not mine or facts.tcp_stream is None or facts.tls or facts.http_stream:
                continue
            client = facts.client_direction
            side = client if sender == "client" else 1 - client
            data = bytes(tapes[facts.tcp_stream].sent[side][mine[0].offset :])
            found = assemble(
                scanned(data, connection.handshake, sender),
                connection.handshake.deflate if connection.handshake else None,
                sender=sender,
            )
            yield wanted, sender, list(found)


@pytest.mark.parametrize("path", TRUTHS, ids=lambda path: path.name.split(".")[0])
def test_what_applications_sent(path: Path) -> None:
    session = json.loads(path.read_text(encoding="utf-8"))
    for wanted, sender, found in sides(session):
        sent = [each for each in wanted["messages"] if each["sender"] == sender]
        whole = [each for each in found if each.complete]
        assert len(whole) == len(sent), wanted["target"]
        for message, truth in zip(whole, sent, strict=True):
            facts = {
                "type": message.type,
                "length": len(message.payload),
                "sha256": hashlib.sha256(message.payload).hexdigest(),
                "frames": len(message.frames),
                "compressed": message.compressed,
            }
            known = {name: truth[name] for name in facts if truth[name] is not None}
            assert {name: facts[name] for name in known} == known, wanted["target"]
