# cython: language_level=3, wraparound=False, initializedcheck=False
"""Frames of the HyBi drafts 1 to 6, before RFC 6455's: other opcodes, another way of masking.

Sources: draft-ietf-hybi-thewebsocketprotocol-01 to -06, "Data Framing":

- drafts 1 to 3: the first bit is MORE, FIN turned over; nothing is masked
- drafts 4 to 6: FIN; each frame of the client begins with four bytes, and all behind them, header
  included, is masked: in drafts 5 and 6 with these four, in draft 4 with twenty made of them
- all of them: 1 close, 2 ping, 3 pong, 4 text, 5 binary; a 64-bit length as in RFC 6455
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.frames import Frame

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Draft 4, "Client-to-Server Masking": goes into the masking key of a connection.
MASKING_GUID = b"61AC5F19-FBBA-4540-B96F-6561F1AB40A8"

# Opcode of the drafts → of RFC 6455. What is reserved there keeps its number, or has the one that
# the other had: nothing meets.
MEANINGS = bytes((0, 8, 9, 10, 1, 2, 6, 7, 3, 4, 5, 11, 12, 13, 14, 15))

KEY_LENGTH = 4
# SHA-1's; a key of four bytes repeats in it.
MASK_LENGTH = 20


def masking_key_of_connection(key: str, nonce: str) -> bytes:
    """Return the masking key of a connection of draft 4, 20 bytes.

    `key` and `nonce` are Sec-WebSocket-Key and Sec-WebSocket-Nonce as sent. Source: draft 4,
    "Client-to-Server Masking".
    """
    text = (key + nonce).encode("latin-1", "replace")
    return sha1(text + MASKING_GUID, usedforsecurity=False).digest()


@cython.final
@cython.cclass
class DraftReader:
    """Where one side's stream stands in its frames.

    `more` says that the first bit is MORE, `masks` that this side masks; `secret` is draft 4's
    masking key of the connection, empty for the others. After `read` set `complete`:

    - `head`: FIN, RSV1-3 and the opcode as RFC 6455 has them; `second`: its second byte
    - `key`: the four bytes in front of the frame as a number; `mask`: what the frame is masked with
    - `header_length` in bytes, the four included; `length`: of the payload, below 2^64
    """

    def __init__(self, more: cython.bint, masks: cython.bint, secret: bytes) -> None:
        self.more = more
        self.masks = masks
        self.secret = secret
        self.gathered = bytearray()
        self.mask = b""
        self.have = self.complete = 0
        self.head = self.second = self.header_length = 0
        self.key = 0
        self.length = 0

    def read(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Read a header from `buffer[at:stop]` on; return where reading stopped."""
        byte: cython.int
        place: cython.int
        prefix: cython.int = KEY_LENGTH if self.masks else 0
        self.complete = 0
        if self.have == 0:
            self.gathered = bytearray()
        while at < stop:
            byte = buffer.view[at]
            at += 1
            place = self.have - prefix
            if place >= 0 and prefix:
                byte ^= self.mask[place]
            self.gathered.append(byte)
            self.have += 1
            if self.have == prefix:
                self.begin_mask()
            elif place >= 1 and self.have == prefix + size_of(self.gathered[prefix + 1] & 127):
                self.decode(prefix)
                return at
        return at

    def begin_mask(self) -> None:
        """Make the mask of a frame of the four bytes in front of it."""
        key = bytes(self.gathered)
        self.key = int.from_bytes(key, "big")
        if self.secret:
            self.mask = sha1(key + self.secret, usedforsecurity=False).digest()
        else:
            self.mask = key * (MASK_LENGTH // KEY_LENGTH)

    def decode(self, prefix: int) -> None:
        """Take the facts of the header that was gathered, unmasked."""
        header = bytes(self.gathered[prefix:])
        fin = header[0] & 0x80 ^ (0x80 if self.more else 0)
        short = header[1] & 127
        self.head = fin | (header[0] & 0x70) | MEANINGS[header[0] & 15]
        # RSV4 stood where RFC 6455 says whether a frame is masked.
        self.second = (0x80 if prefix else 0) | short
        self.length = int.from_bytes(header[2:], "big") if short > 125 else short
        self.header_length = self.have
        self.have = 0
        self.complete = 1

    def unmask(self, data: bytes, offset: int) -> bytes:
        """Return payload bytes unmasked; `offset` is the place of the first in the payload."""
        if not self.masks:
            return data
        turn = (self.header_length - KEY_LENGTH + offset) % MASK_LENGTH
        turned = self.mask[turn:] + self.mask[:turn]
        pattern = (turned * (len(data) // MASK_LENGTH + 1))[: len(data)]
        number = int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")
        return number.to_bytes(len(data), "big")

    def restart(self) -> cython.int:
        """Forget a header that is not whole: the next byte begins a frame."""
        self.have = self.complete = 0
        return 0


def size_of(coded: cython.int) -> cython.int:
    """Return the length of a header, without a key, whose 7-bit length is `coded`."""
    return 10 if coded == 127 else 4 if coded == 126 else 2


def scan_draft_frames(
    data: bytes, version: int, sender: str, secret: bytes = b""
) -> Iterator[Frame]:
    """Yield the frames of one side's stream `data`, which begins with a frame.

    `version` is the number of the HyBi draft, 1 to 6; `sender` is `client` or `server`; `secret`
    is `masking_key_of_connection` where a client speaks draft 4. Facts are as in the `frames`
    table: FIN and opcode as RFC 6455 has them, `masking_key` the four bytes in front of the frame.
    Raises ValueError for another version or sender.
    """
    if version not in range(1, 7) or sender not in ("client", "server"):
        raise ValueError("version is 1 to 6, sender 'client' or 'server'")
    masks = version >= 4 and sender == "client"
    reader = DraftReader(version < 4, masks, secret if version == 4 else b"")
    buffer = Buffer(data)
    at = 0
    while at < len(data):
        offset = at
        at = reader.read(buffer, at, len(data))
        if not reader.complete:
            return
        payload = bytes(data[at : at + min(reader.length, len(data) - at)])
        at += len(payload)
        yield Frame(
            offset=offset,
            fin=bool(reader.head & 0x80),
            rsv1=bool(reader.head & 0x40),
            rsv2=bool(reader.head & 0x20),
            rsv3=bool(reader.head & 0x10),
            opcode=reader.head & 0x0F,
            masking_key=reader.key.to_bytes(4, "big") if masks else None,
            header_length=reader.header_length,
            length=reader.length,
            payload=reader.unmask(payload, 0),
        )
