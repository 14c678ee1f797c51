"""permessage-deflate: the RFC's examples, every agreement, and what hostile bytes may cost."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.websocket.deflate import DECODER, MOST_FINAL_BLOCKS, PIECE, WINDOW, Inflater, Memory

MEBIBYTE = 1 << 20
# RFC 7692 §7.2.3.1.
HELLO = bytes.fromhex("f248cdc9c90700")


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


def inflater(
    *, takeover: bool = True, limit: int = 64 * MEBIBYTE, ratio: int = 500, watched: bool = False
) -> Inflater:
    return Inflater(takeover=takeover, limit=limit, ratio=ratio, watched=watched)


def inflate(one: Inflater, *pieces: bytes) -> bytes:
    """Return what a message in these pieces decompresses to."""
    one.start()
    found = [out for piece in pieces for out in one.feed(piece)]
    found += one.finish()
    assert all(found)
    return b"".join(found)


class Sender:
    """Compresses as a peer does, by zlib itself."""

    def __init__(self, *, takeover: bool = True, bits: int = 15, level: int = 6) -> None:
        self.takeover, self.bits, self.level = takeover, bits, level
        self.compressor = zlib.compressobj(level, wbits=-bits)

    def __call__(self, payload: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
        if not self.takeover:
            self.compressor = zlib.compressobj(self.level, wbits=-self.bits)
        data = self.compressor.compress(payload) + self.compressor.flush(flush)
        assert data.endswith(b"\x00\x00\xff\xff")
        return data[:-4]


# RFC 7692 §7.2.3: (name, messages as sent, what they say)
EXAMPLES: dict[str, tuple[list[str], list[bytes]]] = {
    "§7.2.3.1 one message": (["f248cdc9c90700"], [b"Hello"]),
    "§7.2.3.2 sharing the window": (["f248cdc9c90700", "f200110000"], [b"Hello", b"Hello"]),
    "§7.2.3.2 not sharing it": (["f248cdc9c90700", "f248cdc9c90700"], [b"Hello", b"Hello"]),
    "§7.2.3.3 no compression": (["000500faff48656c6c6f00"], [b"Hello"]),
    "§7.2.3.4 BFINAL": (["f348cdc9c9070000"], [b"Hello"]),
    "§7.2.3.5 two blocks": (["f248050000 00ffff cac9c90700".replace(" ", "")], [b"Hello"]),
    "§7.2.3.6 empty": (["00"], [b""]),
}


@pytest.mark.parametrize(("messages", "said"), EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("bytewise", [False, True])
def test_the_examples_of_the_rfc(messages: list[str], said: list[bytes], bytewise: bool) -> None:
    one = inflater()
    for message, expected in zip(messages, said, strict=True):
        data = bytes.fromhex(message)
        pieces = [data[i : i + 1] for i in range(len(data))] if bytewise else [data]
        assert inflate(one, *pieces) == expected
        assert (one.broken, one.cut) == (False, "")
        assert one.input_length == len(data)
        assert one.output_length == len(expected)


@pytest.mark.parametrize("watched", [False, True])
def test_what_refers_to_the_message_before_against_the_agreement_is_read(watched: bool) -> None:
    """Content is the same whether somebody looks for violations or not."""
    one = inflater(takeover=False, watched=watched)
    assert inflate(one, bytes.fromhex("f248cdc9c90700")) == b"Hello"
    assert inflate(one, bytes.fromhex("f200110000")) == b"Hello"
    assert not one.broken
    assert one.reached
    assert inflate(one, bytes.fromhex("f248cdc9c90700")) == b"Hello"
    assert not one.reached


@pytest.mark.parametrize("size", [1, 7, 100])
def test_what_refers_to_the_message_before_may_have_a_final_block(size: int) -> None:
    """BFINAL in the middle, behind it a block that refers to nothing, and then one that does."""
    first = bytes.fromhex("2bc94855284ecc4d5528cf2f4a2956484c4fcccc5348cc4b81b0741400")
    second = bytes.fromhex("2bc94855284ecc4d552856484c4fcccc5348cc4b81b074144a08c80300")
    one = inflater(takeover=False)
    inflate(one, first)
    pieces = [second[at : at + size] for at in range(0, len(second), size)]
    said = inflate(one, *pieces)
    assert (said, one.broken, one.reached) == (
        b"the same s again and again, tn, the same s again and again, ",
        False,
        1,
    )


def test_what_refers_to_nothing_before_is_broken() -> None:
    one = inflater(takeover=False)
    assert inflate(one, bytes.fromhex("f200110000")) == b""
    assert one.broken


def texts(count: int = 12) -> list[bytes]:
    source = chance(7)
    words = [b"lorem", b"ipsum", b"dolor", "sit ämet".encode(), bytes(range(256))]
    return [b" ".join(source.choices(words, k=source.randrange(3000))) for _ in range(count)]


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("level", [0, 1, 9])
def test_every_window_and_level(takeover: bool, bits: int, level: int) -> None:
    send, one = Sender(takeover=takeover, bits=bits, level=level), inflater(takeover=takeover)
    for text in texts(5):
        assert inflate(one, send(text)) == text


def test_a_peer_without_takeover_is_read_with_one() -> None:
    """No takeover is a promise of the sender: a window that nobody refers to does no harm."""
    send, one = Sender(takeover=False), inflater(takeover=True)
    for text in texts():
        assert inflate(one, send(text)) == text


@given(
    st.lists(st.binary(max_size=200) | st.text(max_size=99).map(str.encode), max_size=6),
    st.lists(st.integers(1, 30), max_size=10),
    st.booleans(),
)
def test_any_messages_in_any_pieces(
    messages: list[bytes], sizes: list[int], takeover: bool
) -> None:
    send, one = Sender(takeover=takeover), inflater(takeover=takeover)
    for message in messages:
        data, pieces = send(message), []
        for size in sizes:
            pieces.append(data[:size])
            data = data[size:]
        assert inflate(one, *filter(None, pieces), *([data] if data else [])) == message


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE + 7])
def test_output_longer_than_a_piece(size: int) -> None:
    send, one = Sender(), inflater()
    for fill in (b"\x00", b"ab"):
        message = (fill * size)[:size]
        one.start()
        found = [*one.feed(send(message)), *one.finish()]
        assert b"".join(found) == message
        assert max(map(len, found)) <= PIECE


class TestFinalBlocks:
    """BFINAL ends zlib's stream and not the message (RFC 7692 §7.2.3.4)."""

    def final(self, payload: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=-15)
        return compressor.compress(payload) + compressor.flush(zlib.Z_FINISH)

    def test_the_message_behind_one(self) -> None:
        one = inflater()
        assert inflate(one, self.final(b"Hello") + b"\x00") == b"Hello"
        assert inflate(one, bytes.fromhex("f200110000")) == b"Hello"
        assert one.final_blocks == 0

    def test_the_window_goes_on_behind_one(self) -> None:
        """The second part refers to the first, over the end of a zlib stream."""
        text = chance(1).randbytes(500)
        compressor = zlib.compressobj(wbits=-15, zdict=text)
        second = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
        assert len(second) < 50
        one = inflater()
        assert inflate(one, self.final(text) + second[:-4]) == text + text
        assert one.final_blocks == 1

    def test_several_in_one_message(self) -> None:
        one = inflater()
        data = b"".join(self.final(b"part %d " % i) for i in range(20))
        for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
            said = inflate(one, *pieces, b"\x00")
            assert said == b"".join(b"part %d " % i for i in range(20))

    def test_output_held_back_over_one(self) -> None:
        text = bytes(PIECE * 3 + 5)
        one = inflater()
        assert inflate(one, self.final(text) + self.final(b"more") + b"\x00") == text + b"more"

    def test_no_more_than_some(self) -> None:
        one = inflater()
        one.start()
        empty = b"\x03\x00"
        assert list(one.feed(empty * MOST_FINAL_BLOCKS)) == []
        assert not one.cut
        assert list(one.feed(empty)) == []
        assert one.cut


class TestBombs:
    """Limits: of the output of a message, and of the ratio of output to input."""

    @pytest.mark.parametrize("limit", [1, 1000, PIECE, 3 * PIECE, MEBIBYTE])
    def test_the_output_of_a_message(self, limit: int) -> None:
        send, one = Sender(), inflater(limit=limit)
        said = inflate(one, send(bytes(10 * MEBIBYTE)))
        assert one.cut == "message"
        assert not one.broken
        assert len(said) <= limit
        assert one.output_length <= limit + PIECE

    def test_exactly_the_limit_is_allowed(self) -> None:
        one = inflater(limit=1000)
        assert inflate(one, Sender()(bytes(1000))) == bytes(1000)
        assert not one.cut
        inflate(one, Sender()(bytes(1001)))
        assert one.cut

    def test_the_ratio(self) -> None:
        one = inflater(ratio=500)
        data = Sender(level=9)(bytes(40 * MEBIBYTE))
        said = inflate(one, data)
        assert one.cut == "inflate_ratio"
        assert 500 * len(data) - PIECE <= len(said) <= 500 * len(data)

    def test_a_high_ratio_of_little_is_allowed(self) -> None:
        one = inflater(ratio=500)
        assert len(inflate(one, Sender(level=9)(bytes(8 * MEBIBYTE)))) == 8 * MEBIBYTE
        assert not one.cut

    def test_the_next_message_has_a_limit_of_its_own(self) -> None:
        one = inflater(limit=1000)
        for _ in range(3):
            inflate(one, Sender()(bytes(5000)))
            assert one.cut
        assert inflate(one, Sender()(b"small")) == b"small"
        assert not one.cut

    def test_no_more_is_read_behind_a_limit(self) -> None:
        one = inflater(limit=10)
        one.start()
        assert list(one.feed(Sender()(bytes(100)))) == []
        assert list(one.feed(b"anything" * 1000)) == []
        assert list(one.finish()) == []
        assert one.output_length <= 100


class TestLostContext:
    """After missing bytes a message is right or it is not given."""

    def test_a_message_that_refers_to_what_was_lost(self) -> None:
        send, one = Sender(), inflater()
        inflate(one, send(b"the same again and again"))
        one.lose()
        inflate(one, send(b"the same again and again"))
        assert one.broken

    def test_a_message_that_does_not(self) -> None:
        send, one = Sender(), inflater()
        inflate(one, send(b"the same again and again"))
        one.lose()
        send.compressor.flush(zlib.Z_FULL_FLUSH)
        assert inflate(one, send(b"nothing of it here")) == b"nothing of it here"
        assert not one.broken

    @given(st.lists(st.binary(max_size=60), min_size=2, max_size=8), st.sets(st.integers(0, 7)))
    def test_whatever_is_lost_what_comes_is_right(
        self, messages: list[bytes], lost: set[int]
    ) -> None:
        send, one = Sender(), inflater()
        for i, message in enumerate(messages):
            data = send(message)
            if i in lost:
                one.start()
                list(one.feed(data[:1]))
                one.lose()
                continue
            said = inflate(one, data)
            assert one.broken or said == message
            assert one.broken <= bool(lost)

    @given(st.lists(st.binary(max_size=60), max_size=4), st.integers(1, 200))
    def test_any_bytes_end(self, junk: list[bytes], limit: int) -> None:
        one = inflater(limit=limit)
        for each in junk:
            assert len(inflate(one, each)) <= limit


class TestOthers:
    """What wsproto and websockets compress is decompressed, with the parameters they agree on."""

    @pytest.mark.parametrize("takeover", [True, False])
    @pytest.mark.parametrize("bits", [9, 12, 15])
    def test_websockets(self, takeover: bool, bits: int) -> None:
        module = pytest.importorskip("websockets.extensions.permessage_deflate")
        frames = pytest.importorskip("websockets.frames")
        extension = module.PerMessageDeflate(not takeover, not takeover, bits, bits)
        one = inflater(takeover=takeover)
        for text in texts():
            sent = extension.encode(frames.Frame(frames.Opcode.BINARY, text))
            assert sent.rsv1
            assert inflate(one, bytes(sent.data)) == text

    @pytest.mark.parametrize("takeover", [True, False])
    def test_websockets_in_fragments(self, takeover: bool) -> None:
        module = pytest.importorskip("websockets.extensions.permessage_deflate")
        frames = pytest.importorskip("websockets.frames")
        extension = module.PerMessageDeflate(not takeover, not takeover, 15, 15)
        one = inflater(takeover=takeover)
        for text in texts():
            half = len(text) // 2
            first = frames.Frame(frames.Opcode.BINARY, text[:half], fin=False)
            last = frames.Frame(frames.Opcode.CONT, text[half:])
            parts = [bytes(extension.encode(each).data) for each in (first, last)]
            assert inflate(one, *filter(None, parts)) == text

    @pytest.mark.parametrize("takeover", [True, False])
    def test_wsproto(self, takeover: bool) -> None:
        extensions = pytest.importorskip("wsproto.extensions")
        protocol = pytest.importorskip("wsproto.frame_protocol")
        peer = extensions.PerMessageDeflate(client_no_context_takeover=not takeover)
        peer.finalize("permessage-deflate" + "; client_no_context_takeover" * (not takeover))
        frames = protocol.FrameProtocol(client=True, extensions=[peer])
        one = inflater(takeover=takeover)
        for text in texts():
            sent = bytes(frames.send_data(text, fin=True))
            assert inflate(one, *payloads(sent)) == text


def payloads(stream: bytes) -> Iterable[bytes]:
    """Yield the unmasked payloads of a client's frames."""
    from wsanalyze.websocket.frames import scan_frames

    return [each.payload for each in scan_frames(stream)]


def test_the_window_is_as_long_as_the_longest_there_is() -> None:
    text = chance(3).randbytes(WINDOW - 300)
    send, one = Sender(), inflater()
    assert inflate(one, send(text)) == text
    again = send(text)
    assert len(again) < 1000
    assert inflate(one, again) == text


def test_the_ratio_counts_over_all_messages() -> None:
    """Bombs that each stay below what is looked at singly are told by their sum."""
    bomb = zlib.compressobj(9, wbits=-15)
    packed = bomb.compress(bytes(15 * MEBIBYTE)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    one = inflater(takeover=False)
    assert len(inflate(one, packed[:-4])) == 15 * MEBIBYTE
    assert one.cut == ""
    inflate(one, packed[:-4])
    assert one.cut == "inflate_ratio"


class TestMemory:
    """Decoders share what they may keep; who finds nothing left does not decompress."""

    def test_each_side_that_keeps_its_context_is_counted_until_it_closes(self) -> None:
        memory = Memory(10 * DECODER)
        sides = [Inflater(takeover=True, limit=99, ratio=9, memory=memory) for _ in range(3)]
        assert memory.held == 0
        for side in sides:
            assert inflate(side, HELLO) == b"Hello"
        assert memory.held == 3 * (DECODER + len(b"Hello"))
        for side in sides:
            side.close()
            side.close()
        assert memory.held == 0

    def test_without_context_only_the_text_is_kept_between_messages(self) -> None:
        memory = Memory(2 * DECODER)
        sides = [Inflater(takeover=False, limit=99, ratio=9, memory=memory) for _ in range(3)]
        assert [inflate(side, HELLO) for side in sides] == [b"Hello"] * 3
        assert memory.held == 3 * len(b"Hello")

    def test_what_is_kept_for_violations_alone_leaves_room_for_decoders(self) -> None:
        memory = Memory(2 * DECODER)
        text = bytes(WINDOW)
        packed = Sender()(text)
        sides = [Inflater(takeover=False, limit=1 << 20, ratio=9, memory=memory) for _ in range(9)]
        assert [inflate(side, packed) for side in sides] == [text] * 9
        assert memory.held <= DECODER

    def test_who_finds_nothing_left_gives_its_own_back(self) -> None:
        memory = Memory(DECODER)
        one = Inflater(takeover=False, limit=99, ratio=9, memory=memory)
        assert [inflate(one, HELLO) for _ in range(2)] == [b"Hello"] * 2
        assert one.cut == ""

    def test_where_nothing_is_left_the_message_is_cut(self) -> None:
        memory = Memory(DECODER)
        first = Inflater(takeover=True, limit=99, ratio=9, memory=memory)
        second = Inflater(takeover=True, limit=99, ratio=9, memory=memory)
        assert inflate(first, HELLO) == b"Hello"
        assert (inflate(second, HELLO), second.cut) == (b"", "windows")
        first.close()
        assert (inflate(second, HELLO), second.cut) == (b"Hello", "")

    def test_a_lost_window_is_given_back(self) -> None:
        memory = Memory(DECODER)
        one = Inflater(takeover=True, limit=99, ratio=9, memory=memory)
        assert inflate(one, HELLO) == b"Hello"
        one.lose()
        assert memory.held == 0
