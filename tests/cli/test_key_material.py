"""Secrets of TLS are in nothing that any command writes: in no format, in no message, in no form.

Each command reads recorded wss sessions with their secrets, from key logs, RSA keys and blocks of
the capture. What it prints and the files that it leaves, unpacked, are searched for pieces of each
secret: raw, in hex and in base64.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_tls import keylog_of, without_secrets

from cli.running import CAPTURES, COMMAND, environment

serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")

# Bytes of a piece: none occurs by chance, and a secret that is cut is found all the same.
PIECE = 12
# As dumps and C have them: `11 22`, `11:22`, `0x11, 0x22`.
BETWEEN_DIGITS = re.compile(rb"(?:0x|\\x|[\s:,.-])+")
KEY = CAPTURES / "wss-rsa.key.pem"
FORMATS = ("csv", "jsonl", "parquet", "arrow", "sqlite", "xlsx", "zeek")


def secrets_of(log: bytes) -> set[bytes]:
    """Return the secrets in a key log: the last word of each line."""
    lines = [line.split() for line in log.splitlines() if line and line[:1] != b"#"]
    return {bytes.fromhex(words[-1].rpartition(b":")[2].decode()) for words in lines}


def numbers_of(pem: bytes) -> set[bytes]:
    """Return the numbers of an RSA key that are secret."""
    key = serialization.load_pem_private_key(pem, None).private_numbers()
    found = (key.d, key.p, key.q, key.dmp1, key.dmq1, key.iqmp)
    return {each.to_bytes((each.bit_length() + 7) // 8, "big") for each in found}


class Needles:
    """Pieces of secrets in each form that they might be written in."""

    def __init__(self, secrets: set[bytes]) -> None:
        pieces = {
            secret[at : at + PIECE]
            for secret in secrets
            for at in range(0, len(secret) - PIECE + 1, PIECE)
        }
        assert len(pieces) >= len(secrets) > 0
        self.raw = _any(pieces)
        self.hex = _any({each.hex().encode() for each in pieces})
        # What comes before and after shifts the digits of base64: those within stay.
        shifted = {
            base64.b64encode(bytes(shift) + each)[4 if shift else 0 : 12]
            for each in pieces
            for shift in range(3)
        }
        self.base64 = _any(shifted)

    def found(self, data: bytes) -> str | None:
        """Return in which form there is a piece of a secret, None where there is none."""
        if self.raw.search(data):
            return "raw"
        if self.hex.search(BETWEEN_DIGITS.sub(b"", data).lower()):
            return "hex"
        return (
            "base64" if self.base64.search(data.replace(b"-", b"+").replace(b"_", b"/")) else None
        )


def _any(pieces: set[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, sorted(pieces))), re.DOTALL)


def unpacked(path: Path) -> Iterator[bytes]:
    """Yield what a file holds, as it is and as who reads its format gets it."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet":
        yield json.dumps(pq.read_table(path).to_pylist(), default=_text).encode()
    elif path.suffix == ".arrow":
        with pa.ipc.open_file(path) as reader:
            yield json.dumps(reader.read_all().to_pylist(), default=_text).encode()
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            yield from (book.read(name) for name in book.namelist())
    elif path.suffix == ".html":
        blocks = re.findall(rb'"gzip": ?"([A-Za-z0-9+/=]+)"', data)
        assert blocks
        for block in blocks:
            yield gzip.decompress(base64.b64decode(block))


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


class Searched:
    """Runs commands in a folder, and searches all that they leave."""

    def __init__(self, folder: Path, needles: Needles, capture: Path, *keylogs: Path) -> None:
        self.folder, self.needles, self.capture = folder, needles, capture
        self.keys = [word for path in keylogs for word in ("--keylog", str(path))]

    def __call__(self, *words: object, status: int | None = 0, given: bytes | None = None) -> None:
        done = subprocess.run(
            [*COMMAND, *map(str, words), *self.keys],
            capture_output=True,
            input=given,
            env=environment(),
            cwd=self.folder,
            timeout=120,
            check=False,
        )
        assert status is None or done.returncode == status, done.stderr
        assert b"Traceback" not in done.stderr
        for stream in (done.stdout, done.stderr):
            assert self.needles.found(stream) is None, words

    def files(self) -> int:
        """Search the files in the folder; return how many there are."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        for path in paths:
            for data in unpacked(path):
                assert self.needles.found(data) is None, path
        return len(paths)


@pytest.fixture(params=["blocks of the capture", "key log", "RSA key", "premaster secrets"])
def searched(request: pytest.FixtureRequest, tmp_path: Path) -> Searched:
    """Return a capture whose TLS is open, by each way that secrets come."""
    how, given, out = request.param, tmp_path / "given", tmp_path / "out"
    given.mkdir()
    out.mkdir()
    name = "chat-wss.pcapng" if how in ("blocks of the capture", "key log") else "wss-rsa.pcapng"
    log, pem = keylog_of(CAPTURES / name), KEY.read_bytes()
    secrets = secrets_of(log) | (numbers_of(pem) if how == "RSA key" else set())
    needles = Needles(secrets)
    if how == "blocks of the capture":
        return Searched(out, needles, CAPTURES / name)
    closed, keys = given / "closed.pcapng", given / "keys.log"
    closed.write_bytes(without_secrets((CAPTURES / name).read_bytes()))
    if how == "premaster secrets":
        log = b"".join(line for line in log.splitlines(keepends=True) if line[:4] == b"RSA ")
    keys.write_bytes(log)
    return Searched(out, needles, closed, KEY if how == "RSA key" else keys)


def test_what_is_searched_for_would_be_found() -> None:
    secrets = secrets_of(keylog_of(CAPTURES / "chat-wss.pcapng"))
    needles = Needles(secrets)
    for secret in secrets:
        text, cut = secret.hex(), secret[4:30]
        assert needles.found(b"x" + secret + b"y") == needles.found(cut) == "raw"
        for each in (text, text.upper(), secret.hex(" "), secret.hex(":").upper(), cut.hex()):
            assert needles.found(b"key " + each.encode()) == "hex"
        for shift in range(3):
            assert needles.found(base64.b64encode(b"abc"[:shift] + secret + b"more")) == "base64"
    assert needles.found(b"key log") is None


def test_texts(searched: Searched) -> None:
    capture = searched.capture
    searched("summary", capture)
    searched("summary", capture, "-v")
    searched("summary", "-", given=capture.read_bytes())
    searched("explain", capture)
    searched("explain", capture, "--show-secrets", "--frames", "0-1000", "--svg", "ladder.svg")
    searched("explain", capture, "--ladder")
    searched("explain", capture, "--quiz", status=None, given=b"1\n2\n3\n" * 10)
    for form in ("text", "json", "jsonl", "sarif", "github"):
        searched("check", capture, "--show-secrets", "-v", "-f", form, status=None)
    searched("live", "-", given=capture.read_bytes())
    searched("live", "-", "-f", "jsonl", "-o", "tables", given=capture.read_bytes())
    assert searched.files() > 1


@pytest.mark.parametrize("form", FORMATS)
def test_tables(searched: Searched, form: str) -> None:
    if form == "xlsx":
        pytest.importorskip("openpyxl")
    more = [] if form == "zeek" else ["--preview-length", 100_000]
    searched("export", searched.capture, "-f", form, "-o", f"out.{form}", *more)
    assert searched.files() > 0


def test_pages(searched: Searched) -> None:
    searched("report", searched.capture, "-o", "page.html")
    searched("report", searched.capture, "-o", "whole.html", "--show-secrets")
    assert searched.files() == 2


def test_packets_that_are_kept(searched: Searched) -> None:
    """A key log is not written beside them; what the capture itself brought is not either."""
    given = searched.capture.read_bytes()
    searched("live", "-", "-w", "kept.pcapng", given=given)
    assert searched.files() == 1


def test_verify(searched: Searched) -> None:
    pytest.importorskip("pyshark")
    searched("verify", searched.capture, "-v", status=None)
    assert searched.files() == 0


def test_a_key_log_in_the_place_of_something_else(tmp_path: Path) -> None:
    """It is none of what was asked for; the error does not quote it."""
    log, key = tmp_path / "keys.log", tmp_path / "key.pem"
    data = keylog_of(CAPTURES / "chat-wss.pcapng")
    log.write_bytes(data)
    key.write_bytes(KEY.read_bytes())
    needles = Needles(secrets_of(data) | numbers_of(KEY.read_bytes()))
    searched = Searched(tmp_path, needles, log)
    for path in (log, key):
        for command in ("summary", "check", "explain", "live"):
            searched(command, path, "-v", status=None)
        searched("export", path, "-o", "-", "-t", "tls", "-v", status=None)
        searched("check", CAPTURES / "chat-wss.pcapng", "--config", path, status=None)
        searched("summary", "-", "-v", given=path.read_bytes(), status=None)


@pytest.mark.parametrize("line", [b"%s", b"CLIENT_RANDOM %s", b"%s \xff\x1b[31m", b"RSA %s"])
def test_lines_that_are_damaged(tmp_path: Path, line: bytes) -> None:
    data = keylog_of(CAPTURES / "chat-wss.pcapng")
    log = tmp_path / "keys.log"
    secrets = secrets_of(data)
    log.write_bytes(b"\n".join(line % each.hex().encode() for each in secrets))
    searched = Searched(tmp_path, Needles(secrets), CAPTURES / "chat-wss.pcapng", log)
    searched("summary", searched.capture, "-v")
    searched("export", searched.capture, "-f", "jsonl", "-t", "tls", "-o", "-")


def test_nothing_that_holds_a_secret_shows_it() -> None:
    """An exception that nobody foresaw would print what was in the way."""
    from wsanalyze.layers.tls_exchange import KeyExchange
    from wsanalyze.layers.tls_sender import Epoch, TlsSender
    from wsanalyze.tls.ciphers import Opener13
    from wsanalyze.tls.keylog import Secrets
    from wsanalyze.tls.suites import maybe_suite

    data = keylog_of(CAPTURES / "chat-wss.pcapng")
    secrets, suite = Secrets(100), maybe_suite(0x1301)
    secrets.add([*data.splitlines(), *KEY.read_bytes().splitlines()])
    assert suite is not None
    needles = Needles(secrets_of(data))
    epoch = Epoch(suite, [bytes(range(32)), bytes(32)], is_application=True)
    needles_of_epoch = Needles({bytes(range(32))})
    shown = (secrets, *secrets.stores, secrets.sessions, secrets.reader.unused)
    for each in (*shown, KeyExchange(secrets)):
        assert needles.found((repr(each) + str(each)).encode()) is None
    held = (epoch, epoch.candidates, epoch.opener, TlsSender(0, secrets))
    for each in (*held, Opener13(suite, bytes(range(32)))):
        assert needles_of_epoch.found((repr(each) + str(each)).encode()) is None
