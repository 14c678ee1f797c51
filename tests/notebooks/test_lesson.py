"""The exercises of the lesson: right answers pass, wrong ones do not."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Callable
from copy import deepcopy
from inspect import getsource
from pathlib import Path

import pytest

pytest.importorskip("nbclient")

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CAPTURE = NOTEBOOKS.parent / "captures" / "websockets-plain.pcapng"
CODES = (999, 1000, 1001, 1005, 1006, 1015, 3000, 4000, 5000)
EXERCISES = 9

sys.path.insert(0, str(NOTEBOOKS))

import exercises  # noqa: E402 - from the folder that has just been named
import run  # noqa: E402
import solutions  # noqa: E402

# The check of each exercise by the name that the student's answer has.
CHECKS = {
    "maker": "maker",
    "accept_of": "accept",
    "fin_and_opcode": "first_byte",
    "payload_length": "length",
    "ping_opcode": "ping",
    "unmasked": "unmasked",
    "server_frame": "frame",
    "code_and_reason": "close",
    "sendable": "may_be_sent",
}


def sha1(text: str) -> bytes:
    return hashlib.sha1(text.encode()).digest()  # noqa: S324


def wrong_accept_without_guid(key: str) -> str:
    return base64.b64encode(sha1(key)).decode()


def wrong_accept_of_decoded_key(key: str) -> str:
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(base64.b64decode(key) + guid).digest()).decode()  # noqa: S324


def wrong_accept_in_hex(key: str) -> str:
    return sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").hex()


def wrong_length_without_the_upper_half(header: bytes) -> int:
    if header[1] & 0x7F == 127:
        return int.from_bytes(header[6:10], "big")
    return solutions.payload_length(header)


def wrong_length_where_both_are_masked(header: bytes) -> int:
    """Takes the mask bit away in front of 126 alone."""
    return 127 if header[1] == 0xFF else solutions.payload_length(header)


def raising(*_: object) -> object:
    raise KeyError("nothing there")


# Answers that students give, and constants that would pass a check with one case.
WRONG: list[tuple[str, object]] = [
    ("maker", "server"),
    ("maker", None),
    ("accept", lambda _: "VQpYIEL6oM65xeQtlOFDhVPN7fM="),
    ("accept", wrong_accept_without_guid),
    ("accept", wrong_accept_of_decoded_key),
    ("accept", wrong_accept_in_hex),
    ("accept", lambda key: solutions.accept_of(key).encode()),
    ("accept", raising),
    ("first_byte", lambda byte: (byte & 1 == 1, byte >> 4)),
    ("first_byte", lambda byte: (True, byte & 0x0F)),
    ("first_byte", lambda byte: (byte >> 7, byte & 0x0F) if byte == 0x80 else (True, byte & 0x7F)),
    ("length", lambda header: header[1]),
    ("length", lambda header: header[1] & 0x7F),
    ("length", lambda header: int.from_bytes(header[2:4], "little")),
    ("length", wrong_length_without_the_upper_half),
    ("length", wrong_length_where_both_are_masked),
    ("ping", 10),
    ("ping", "ping"),
    ("ping", True),
    ("unmasked", lambda data, _: data),
    ("unmasked", lambda data, key: bytes(byte ^ key[0] for byte in data)),
    ("unmasked", lambda data, key: "".join(map(chr, solutions.unmasked(data, key)))),
    ("frame", lambda text: bytes((0x01, len(text.encode()))) + text.encode()),
    ("frame", lambda text: bytes((0x81, 0x80 | len(text.encode()))) + text.encode()),
    ("frame", lambda text: bytes((0x81, len(text))) + text.encode()),
    ("close", lambda payload: (int.from_bytes(payload[:2], "little"), payload[2:].decode())),
    ("close", lambda payload: (int.from_bytes(payload[:2], "big"), payload[2:].decode())),
    ("close", lambda _: (4000, "that was all")),
]


@pytest.fixture
def checks() -> exercises.Checks:
    return exercises.Checks(str(CAPTURE))


def verdict(checks: exercises.Checks, name: str, answer: object) -> str:
    check: Callable[..., str] = getattr(checks, name)
    return check(answer, CODES) if name == "may_be_sent" else check(answer)


@pytest.mark.parametrize(("answer", "check"), CHECKS.items())
def test_the_solution_passes(checks: exercises.Checks, answer: str, check: str) -> None:
    assert verdict(checks, check, getattr(solutions, answer)).startswith("right")
    assert checks.score() == "1 of 1 exercises solved"


@pytest.mark.parametrize(("check", "answer"), WRONG)
def test_a_wrong_answer_does_not_pass(checks: exercises.Checks, check: str, answer: object) -> None:
    assert verdict(checks, check, answer).startswith("not yet: ")
    assert checks.score() == "0 of 1 exercises solved"


@pytest.mark.parametrize("codes", [set(), {1000}, set(CODES), {1000, 1001, 1006, 3000, 4000}])
def test_wrong_codes_do_not_pass(checks: exercises.Checks, codes: set[int]) -> None:
    assert checks.may_be_sent(codes, CODES).startswith("not yet: ")


@pytest.mark.parametrize("check", CHECKS.values())
def test_a_place_left_empty_is_no_answer(checks: exercises.Checks, check: str) -> None:
    values = ("maker", "ping", "may_be_sent")
    empty = ... if check in values else lambda *_: ...
    assert verdict(checks, check, empty) == exercises.NO_ANSWER


def test_the_lesson_is_handed_out_without_answers() -> None:
    lesson = run.read(NOTEBOOKS / "3-lesson.ipynb")
    outputs = [output for cell in lesson.cells for output in cell.get("outputs", ())]
    texts = [output.data["text/plain"] for output in outputs if "data" in output]
    assert texts.count(repr(exercises.NO_ANSWER)) == EXERCISES
    assert texts[-1] == repr(f"0 of {EXERCISES} exercises solved")
    assert "solutions" not in "".join(cell.source for cell in lesson.cells)


def test_with_the_solutions_put_in_all_of_it_is_right() -> None:
    lesson = deepcopy(run.read(NOTEBOOKS / "3-lesson.ipynb"))
    places = [cell for cell in lesson.cells if "exercise" in cell.metadata.get("tags", ())]
    assert len(places) == len(CHECKS) == EXERCISES
    for cell, name in zip(places, CHECKS, strict=True):
        assert name in cell.source
        answer = getattr(solutions, name)
        put = getsource(answer) if callable(answer) else f"{name} = {answer!r}"
        codes = f"codes = {CODES!r}\n" if name == "sendable" else ""
        cell.source = f"import base64, hashlib\n{codes}{put}"
    last = run.execute(lesson).cells
    scores = [cell for cell in last if cell.source == "checks.score()"]
    (output,) = scores[0].outputs
    assert output.data["text/plain"] == repr(f"{EXERCISES} of {EXERCISES} exercises solved")
