"""What checks the answers of the lesson (`3-lesson.ipynb`); it imports no solution.

A check takes an answer and returns a sentence that begins with `right`, `not yet` or `no answer`.
Functions of the student's are tried with what was recorded, and with more, so that nobody gets by
with a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import wsanalyze
from wsanalyze.websocket import accept_value, may_be_sent, scan_frames, unmask

CAPTURE = "../captures/websockets-plain.pcapng"
NO_ANSWER = "no answer so far: put yours in place of ..."
KEYS = ("dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", "oKvrCgvytYd8xC6qdGhvVw==")
# 16 bits; 64 bits: below 2^32, above it, with a mask; the longest of 7 bits.
HEADERS = (
    "827e0100",
    "827f0000000000010000",
    "827f0000000100000000",
    "82ff000000000001000037fa213d",
    "817d",
)
MASKS = (
    (b"Hello", bytes(4)),
    (b"", b"\x01\x02\x03\x04"),
    (bytes(range(256)), b"\x9f\x00\x7e\xff"),
)


class Checks:
    """The checks of the lesson, for a recorded connection."""

    def __init__(self, capture: str = CAPTURE) -> None:
        """Read the capture that the lesson is about."""
        analysis = wsanalyze.analyze(capture, payloads="full")
        self._story = analysis.explain(0, frames=(0, len(analysis.frames) - 1))
        self._key = str(analysis.connections["key"].iloc[0])
        self._solved: dict[str, bool] = {}

    def maker(self, answer: object) -> str:
        """Check who makes Sec-WebSocket-Key: the text `client` or `server`."""
        return self._compare("maker", answer, "client")

    def accept(self, function: Callable[[str], object]) -> str:
        """Check a function from Sec-WebSocket-Key to Sec-WebSocket-Accept."""
        cases = [((key,), accept_value(key)) for key in (self._key, *KEYS)]
        return self._try("accept", function, cases)

    def first_byte(self, function: Callable[[int], object]) -> str:
        """Check a function from the first byte of a frame to (FIN, opcode)."""
        told = [frame.header[0] for frame in self._story.frames]
        cases = [((byte,), (bool(byte >> 7), byte % 16)) for byte in (*told, 0x01, 0x80, 0xC2)]
        return self._try("first_byte", function, cases)

    def length(self, function: Callable[[bytes], object]) -> str:
        """Check a function from the header of a frame to the length of its payload in bytes."""
        headers = [frame.header for frame in self._story.frames]
        headers += [bytes.fromhex(text) for text in HEADERS]
        cases = [((header,), next(scan_frames(header)).length) for header in headers]
        return self._try("length", function, cases)

    def unmasked(self, function: Callable[[bytes, bytes], object]) -> str:
        """Check a function from masked bytes and a masking key to the bytes as they were."""
        told = [(each.masked, each.masking_key) for each in self._story.frames if each.masking_key]
        cases = [((data, key), unmask(data, key)) for data, key in (*told, *MASKS)]
        return self._try("unmasked", function, cases)

    def frame(self, function: Callable[[str], object]) -> str:
        """Check a function from a text (below 126 bytes of UTF-8) to the frame of a server."""
        texts = ("Hello", "", "Grüße", "x" * 125)
        cases = [((text,), _server_frame(text.encode())) for text in texts]
        return self._try("frame", function, cases)

    def ping(self, answer: object) -> str:
        """Check the opcode with which an end asks whether the other one is there, as a number."""
        (opcode,) = {each.head & 15 for each in self._story.frames if each.head & 15 == 9}
        return self._compare("ping", answer, opcode)

    def close(self, function: Callable[[bytes], object]) -> str:
        """Check a function from the payload of a Close frame to (code, reason)."""
        told = [(each.payload, each) for each in self._story.frames if each.close_code]
        cases: list[tuple[tuple[object, ...], object]] = [
            ((payload,), (each.close_code, each.close_reason)) for payload, each in told
        ]
        cases += [((b"\x03\xe8",), (1000, "")), ((b"\x03\xe9ad\xc3\xa9",), (1001, "adé"))]
        return self._try("close", function, [*cases, ((b"",), (None, ""))])

    def may_be_sent(self, answer: object, codes: Iterable[int]) -> str:
        """Check which of `codes` may stand in a Close frame: a set of numbers."""
        wanted = {code for code in codes if may_be_sent(code)}
        return self._compare("may_be_sent", answer, wanted)

    def score(self) -> str:
        """Return how many of the answers that were checked are right."""
        return f"{sum(self._solved.values())} of {len(self._solved)} exercises solved"

    def _compare(self, name: str, answer: object, wanted: object) -> str:
        if answer is ...:
            return self._note(name, NO_ANSWER)
        # True is 1 to Python, and no opcode.
        same = type(answer) is type(wanted) and answer == wanted
        return self._note(name, "right" if same else f"not yet: {answer!r} is not it")

    def _try(
        self,
        name: str,
        function: Callable[..., object],
        cases: Sequence[tuple[tuple[object, ...], object]],
    ) -> str:
        for given, wanted in cases:
            try:
                answer = function(*given)
            except Exception as error:  # noqa: BLE001 - whatever the student's function raises
                return self._note(name, f"not yet: for {_call(given)} it raises {error!r}")
            if answer is ...:
                return self._note(name, NO_ANSWER)
            if type(answer) is not type(wanted) or answer != wanted:
                return self._note(name, f"not yet: for {_call(given)} it returns {_short(answer)}")
        return self._note(name, f"right, in all of {len(cases)} cases")

    def _note(self, name: str, verdict: str) -> str:
        self._solved[name] = verdict.startswith("right")
        return verdict


def _server_frame(payload: bytes) -> bytes:
    return bytes((0x81, len(payload))) + payload


def _call(given: tuple[object, ...]) -> str:
    return ", ".join(_short(each) for each in given)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
