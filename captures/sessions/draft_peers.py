"""Raw peers of the HyBi drafts 1 to 6: other opcodes, MORE in place of FIN, masks over the header.

A frame is noted as RFC 6455 has it: the opcode of its type, FIN, masked where its sender masks.
"""

from __future__ import annotations

import asyncio
import hashlib

from recording.journal import CLOSE, Header, Journal, header_value
from sessions.raw_peers import MASK, RawFrame, RawPeer, head

#: Opcode of RFC 6455 → of the drafts.
OPCODES = {0: 0, 8: 1, 9: 2, 10: 3, 1: 4, 2: 5}
MEANINGS = {draft: opcode for opcode, draft in OPCODES.items()}
#: The example of draft-hixie-thewebsocketprotocol-76 §1.3.
KEY1, KEY2, KEY3 = "4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", b"^n:ds[4U"
ANSWER = b"8jKS'y:G*Co,Wxa-"


def challenge_headers(*more: Header, host: str = "127.0.0.1") -> list[Header]:
    """Return the header fields of a request of Hixie-76."""
    fields = [("Host", host), ("Connection", "Upgrade"), ("Sec-WebSocket-Key2", KEY2)]
    fields += [("Upgrade", "WebSocket"), ("Sec-WebSocket-Key1", KEY1)]
    return [*fields, ("Origin", "http://example.test"), *more]


def answer_of(headers: list[Header], body: bytes) -> bytes:
    """Return what answers a challenge (draft-hixie-thewebsocketprotocol-76 §5.2)."""
    challenge = b""
    for name in ("Sec-WebSocket-Key1", "Sec-WebSocket-Key2"):
        key = header_value(headers, name) or ""
        number = int("".join(c for c in key if c.isdigit())) // key.count(" ")
        challenge += number.to_bytes(4, "big")
    return hashlib.md5(challenge + body).digest()


class DraftPeer(RawPeer):
    """A raw client of one of these drafts."""

    def __init__(
        self,
        journal: Journal,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        draft: int,
    ) -> None:
        """Take the two streams of an open TCP connection and the number of the draft."""
        super().__init__(journal, reader, writer)
        self.draft = draft

    def noted(self, frame: RawFrame) -> bytes:
        """Note that this end sends a frame; return its bytes."""
        masks = self.draft >= 4 and self.masked
        plain = RawFrame(frame.opcode, frame.data, frame.fin, masked=masks)
        self._note(plain, sent=True)
        bare = RawFrame(OPCODES[frame.opcode], frame.data, frame.fin ^ (self.draft < 4))
        data = RawFrame(bare.opcode, bare.data, bare.fin, masked=False).encode()
        if not masks:
            return data
        return MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(data))

    def _note(self, frame: RawFrame, *, sent: bool) -> None:
        if frame.opcode != CLOSE or self.draft >= 6:
            super()._note(frame, sent=sent)
            return
        # Before draft 6, the body of a Close has no code.
        sender = self.pen.side if sent else self.pen.other
        length = len(frame.data)
        self.pen.frame_header(sender, CLOSE, fin=True, masked=frame.masked, length=length)
        facts = {"type": "close", "length": length, "code": None, "reason": None}
        self.pen.note("control", sender=sender, **facts)

    async def receive(self) -> RawFrame | None:
        """Receive and note one frame of a server; None at the end."""
        sent = await RawFrame.read(self.reader)
        if sent is None:
            return None
        fin = sent.fin ^ (self.draft < 4)
        frame = RawFrame(MEANINGS[sent.opcode], sent.data, fin, sent.rsv, sent.masked)
        self._note(frame, sent=False)
        return frame

    async def request_challenge(self, target: str, *more: Header) -> None:
        """Send an upgrade request of Hixie-76 with its challenge, and read the whole answer."""
        pen = self.begin_exchange()
        headers = challenge_headers(*more)
        pen.note(
            "request",
            target=target,
            version=header_value(headers, "Sec-WebSocket-Draft") or "hixie-76",
            subprotocols_offered=[],
            extensions_offered=[],
        )
        await self.write(head(f"GET {target} HTTP/1.1", headers) + KEY3)
        status, answer, _ = await self.read_response()
        pen.response(status, answer)
        if await self.reader.readexactly(16) == ANSWER:
            pen.opened()
