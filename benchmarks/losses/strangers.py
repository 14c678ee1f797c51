"""What other TCP streams look like to somebody who comes in the middle: payloads by protocol.

Each function makes the bytes of one direction, as whole messages of that protocol or as content.
They follow the protocols' framing, which is what could be taken for WebSocket's; what is in the
messages is random or text.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

WORDS = ("the", "of", "and", "to", "session", "value", "error", "user", "id", "time", "12", "404")
# Cyrillic in UTF-8 has the bytes 0x81 and 0x82 in plenty, the letters es and te.
_RUSSIAN = "d187d182d0be d18dd182d0be d0bad0b0d0ba d0b5d0b3d0be d181d0bad0b0d0b7d0b0d0bb d0b5d181"
RUSSIAN = [bytes.fromhex(word).decode() for word in _RUSSIAN.split()]
CHINESE = "的一是不了人我在有他这为之大来以个中上们"
Maker = Callable[[random.Random, int, int], bytes]


def repeated(one: Callable[[random.Random, int], bytes]) -> Maker:
    """Return a maker of streams of the messages that `one(source, side)` makes."""

    def make(source: random.Random, size: int, side: int) -> bytes:
        parts, length = [], 0
        while length < size:
            part = one(source, side)
            parts.append(part)
            length += len(part) or 1
        return b"".join(parts)[:size]

    return make


def text(source: random.Random, count: int) -> bytes:
    """Words."""
    return " ".join(source.choice(WORDS) for _ in range(count)).encode()


def tls(source: random.Random, _side: int) -> bytes:
    """A record of random bytes (RFC 8446 §5.1)."""
    data = source.randbytes(source.choice([40, 100, 600, 1400, 16384]))
    return b"\x17\x03\x03" + struct.pack(">H", len(data)) + data


def postgres(source: random.Random, side: int) -> bytes:
    """A message: kind, length, body."""
    kind = source.choice(b"DDDDCZT" if side else b"QPBES")
    body = struct.pack(">H", 2) + struct.pack(">i", 4) + source.randbytes(4) + text(source, 3)
    return bytes((kind,)) + struct.pack(">I", len(body) + 4) + body


def mysql(source: random.Random, side: int) -> bytes:
    """A packet: length of three bytes, number, body."""
    body = (b"\x03" if not side else b"\x00") + text(source, source.randrange(1, 40))
    return struct.pack("<I", len(body))[:3] + bytes((source.randrange(8),)) + body


def redis(source: random.Random, side: int) -> bytes:
    """A command, or a bulk string."""
    value = text(source, source.randrange(1, 6))
    if side:
        return b"$%d\r\n%s\r\n" % (len(value), value)
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(value), value)


def mongo(source: random.Random, _side: int) -> bytes:
    """OP_MSG with a small document."""
    body = struct.pack("<I", 0) + b"\x00" + struct.pack("<i", 40) + b"\x02name\x00"
    body += (
        struct.pack("<i", 8) + text(source, 4) + b"\x00\x10n\x00" + source.randbytes(4) + b"\x00"
    )
    return struct.pack("<iiii", len(body) + 16, source.getrandbits(20), 0, 2013) + body


def smb(source: random.Random, _side: int) -> bytes:
    """An SMB2 message in a NetBIOS session frame."""
    data = b"\xfeSMB" + struct.pack("<HHIHH", 64, 1, 0, 8, 1) + bytes(44)
    data += source.randbytes(source.choice([20, 200, 4000]))
    return struct.pack(">I", len(data)) + data


def bittorrent(source: random.Random, _side: int) -> bytes:
    """`have`, or a piece."""
    if source.random() < 0.6:
        return struct.pack(">IBI", 5, 4, source.randrange(4000))
    head = struct.pack(">IBII", 9 + 2048, 7, source.randrange(400), source.randrange(8) << 14)
    return head + source.randbytes(2048)


def mqtt(source: random.Random, side: int) -> bytes:
    """PUBLISH, or SUBSCRIBE and SUBACK."""
    name = text(source, 2)
    body = struct.pack(">H", len(name)) + name
    if source.random() < 0.3:
        number = source.randbytes(2)
        if side:
            return b"\x90\x03" + number + b"\x00"
        return b"\x82" + bytes((len(body) + 3,)) + number + body + b"\x00"
    body += text(source, 4)
    return b"\x30" + bytes((min(127, len(body)),)) + body[:127]


def subscribes(source: random.Random, _side: int) -> bytes:
    """A client of MQTT that does nothing but subscribe: each packet looks like a server's frame."""
    name = text(source, source.randrange(1, 5))
    body = source.randbytes(2) + struct.pack(">H", len(name)) + name + b"\x00"
    return b"\x82" + bytes((len(body),)) + body


def http2(source: random.Random, _side: int) -> bytes:
    """A frame (RFC 9113 §4.1)."""
    data = source.randbytes(source.choice([0, 4, 13, 60, 1000, 8192]))
    kind = source.choice([0, 0, 0, 1, 8, 6])
    return (
        struct.pack(">I", len(data))[1:]
        + bytes((kind, source.choice([0, 1, 4])))
        + struct.pack(">I", source.randrange(1, 99, 2))
        + data
    )


def dns(source: random.Random, _side: int) -> bytes:
    """A response behind its length (RFC 1035 §4.2.2)."""
    body = source.randbytes(2) + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x07example\x03com\x00"
    body += b"\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04" + source.randbytes(
        4
    )
    return struct.pack(">H", len(body)) + body


def ldap(source: random.Random, _side: int) -> bytes:
    """A BER message."""
    inner = b"\x02\x01" + source.randbytes(1) + b"\x04" + bytes((20,)) + source.randbytes(20)
    return b"\x30\x81" + bytes((len(inner) | 0x80,)) + inner


def rdp(source: random.Random, _side: int) -> bytes:
    """A TPKT packet."""
    data = source.randbytes(source.choice([10, 80, 1000]))
    return b"\x03\x00" + struct.pack(">H", len(data) + 7) + b"\x02\xf0\x80" + data


def kafka(source: random.Random, _side: int) -> bytes:
    """A request behind its length."""
    body = struct.pack(">hhi", source.randrange(20), 2, source.randrange(999)) + text(source, 20)
    return struct.pack(">i", len(body)) + body


def cbor(source: random.Random, _side: int) -> bytes:
    """Small arrays."""
    return source.choice([b"\x82\x01\x02", b"\x81\x05", b"\x82\x18\x2a\x03", b"\x81\x82\x01\x02"])


def messagepack(source: random.Random, _side: int) -> bytes:
    """A small map."""
    value = text(source, 1)[:31]
    return b"\x82\xa2id" + source.randbytes(1) + b"\xa4name" + bytes((0xA0 | len(value),)) + value


def samples(source: random.Random, _side: int) -> bytes:
    """Quiet sound."""
    return struct.pack("<8h", *(int(source.gauss(0, 140)) for _ in range(8)))


def words(source: random.Random, _side: int) -> bytes:
    """A line of JSON."""
    return b'{"' + text(source, 8) + b'": "' + text(source, 12) + b'"}\n'


def russian(source: random.Random, _side: int) -> bytes:
    """A sentence."""
    return (" ".join(source.choice(RUSSIAN) for _ in range(9)) + ". ").encode()


def chinese(source: random.Random, _side: int) -> bytes:
    """Some characters."""
    return "".join(source.choice(CHINESE) for _ in range(30)).encode()


def heavy(source: random.Random, _side: int) -> bytes:
    """Bytes that like to be first bytes, lengths and keys of frames."""
    return bytes(
        source.choice(b"\x81\x82\x88\x89\x8a\x80\x01\x02\x05\x7e\x00\xfe") for _ in range(40)
    )


def runs(source: random.Random, _side: int) -> bytes:
    """The same few bytes again and again."""
    unit = bytes(
        source.choice(b"\x81\x82\x89\x00\x01\x05\x80\xff") for _ in range(source.randint(1, 6))
    )
    return unit * source.randint(10, 400)


def gzip_body(source: random.Random, size: int, _side: int) -> bytes:
    """Compressed text."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = b""
    while len(data) < size:
        data += squeeze.compress(text(source, 300)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return data[:size]


STRANGERS: dict[str, Maker] = {
    "random bytes (SSH, media, ciphers)": lambda source, size, _side: source.randbytes(size),
    "TLS records": repeated(tls),
    "HTTP body, gzip": gzip_body,
    "HTTP/2 frames": repeated(http2),
    "Postgres": repeated(postgres),
    "MySQL": repeated(mysql),
    "Redis": repeated(redis),
    "MongoDB": repeated(mongo),
    "SMB": repeated(smb),
    "BitTorrent": repeated(bittorrent),
    "MQTT": repeated(mqtt),
    "MQTT, subscribes only": repeated(subscribes),
    "DNS over TCP": repeated(dns),
    "LDAP": repeated(ldap),
    "RDP": repeated(rdp),
    "Kafka": repeated(kafka),
    "CBOR": repeated(cbor),
    "MessagePack": repeated(messagepack),
    "16-bit samples": repeated(samples),
    "ASCII": repeated(words),
    "Russian, UTF-8": repeated(russian),
    "Chinese, UTF-8": repeated(chinese),
    "zeros": lambda _source, size, _side: bytes(size),
    "0x81-heavy": repeated(heavy),
    "repeated bytes": repeated(runs),
}
