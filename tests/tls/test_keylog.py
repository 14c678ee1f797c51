"""Key logs: what is understood, what is counted, and that no line ends anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tls.choice import Candidates
from wsanalyze.tls.keylog import CLIENT_HANDSHAKE, CLIENT_TRAFFIC, MASTER, Secrets
from wsanalyze.tls.sessions import Sessions

RANDOM, OTHER = "ab" * 32, "cd" * 32
LINE = f"CLIENT_RANDOM {RANDOM} {'11' * 48}"


def read(*lines: str, most: int = 100) -> Secrets:
    secrets = Secrets(most)
    secrets.add(line.encode("latin-1") for line in lines)
    return secrets


def test_a_master_secret() -> None:
    secrets = read(LINE)
    assert secrets
    assert secrets.of(bytes.fromhex(RANDOM)) == ({MASTER: b"\x11" * 48},)
    assert secrets.of(bytes.fromhex(OTHER)) == ()
    assert (secrets.lines, secrets.not_understood) == (1, 0)


def test_labels_of_one_connection_come_together() -> None:
    secrets = read(LINE, f"CLIENT_TRAFFIC_SECRET_0 {RANDOM.upper()} {'22' * 32}")
    (found,) = secrets.of(bytes.fromhex(RANDOM))
    assert found == {MASTER: b"\x11" * 48, CLIENT_TRAFFIC: b"\x22" * 32}


def test_of_lines_for_the_same_the_last_two_count() -> None:
    lines = [LINE.replace("11" * 48, each * 48) for each in ("11", "33", "33", "44")]
    secrets = read(*lines)
    assert secrets.of(bytes.fromhex(RANDOM)) == ({MASTER: b"\x44" * 48}, {MASTER: b"\x33" * 48})
    assert list(secrets.reader.every(bytes.fromhex(RANDOM), MASTER)) == [b"\x44" * 48, b"\x33" * 48]
    assert secrets.count == 2


def test_a_line_that_was_cut_is_not_another_one() -> None:
    for lines in ((LINE[:-2], LINE), (LINE, LINE[:-2]), (LINE, LINE[:-2], LINE)):
        secrets = read(*lines)
        assert secrets.of(bytes.fromhex(RANDOM)) == ({MASTER: b"\x11" * 48},)
        assert secrets.count == 1


def test_both_lines_for_the_same_are_forgotten_together() -> None:
    """The limit counts both: who repeats a line with other secrets gains no room."""
    secrets = Secrets(2)
    for each in ("11", "33", "44"):
        secrets.add([LINE.replace("11" * 48, each * 48).encode()])
    assert (secrets.count, secrets.dropped) == (2, 0)
    secrets.add([LINE.replace(RANDOM, OTHER).encode()])
    assert (secrets.count, secrets.dropped) == (1, 1)
    assert secrets.of(bytes.fromhex(RANDOM)) == ()
    assert not secrets.reader.earlier


def test_a_key_log_comes_before_a_capture() -> None:
    """Whoever sends a capture could make the secrets that its reader has useless otherwise."""
    lines = [
        b"CLIENT_RANDOM %s %s" % (b"11" * 32, b"01" * 48),
        b"RSA %s %s" % (b"22" * 8, b"01" * 48),
        b"RSA Session-ID:33 Master-Key:" + b"01" * 48,
    ]
    forged = [line.replace(b"01" * 48, b"02" * 48) for line in lines]
    for first, second in ((lines, forged), (forged, lines)):
        known = Secrets(100)
        known.add(first, from_capture=first is forged)
        known.add(second, from_capture=second is forged)
        assert [each[MASTER][0] for each in known.of(b"\x11" * 32)] == [1, 2]
        assert [each[MASTER][0] for each in known.of(bytes(32), b"\x33")] == [1, 2]
        assert [store.by_exchange[b"\x22" * 8][0][0] for store in known.stores] == [1, 2]


@pytest.mark.parametrize(
    "begin",
    [
        b"RSA 2222222222222222 ",
        b"PMS_CLIENT_RANDOM " + b"11" * 32 + b" ",
        b"RSA Session-ID:33 Master-Key:",
    ],
    ids=["sealed", "by-random", "session"],
)
def test_of_lines_for_the_same_the_last_two_are_kept(begin: bytes) -> None:
    secrets = Secrets(2)
    for each in (b"01", b"02", b"03", b"03"):
        secrets.add([begin + each * 48])
    store = secrets.reader
    (kept,) = (each for each in (store.by_exchange, store.premasters, store.by_session) if each)
    assert list(kept.values()) == [(b"\x03" * 48, b"\x02" * 48)]
    assert (secrets.count, secrets.dropped) == (2, 0)
    # Of a line that was cut one is how the other begins: they are one.
    secrets.add([begin + b"03" * 47])
    assert list(kept.values()) == [(b"\x03" * 48, b"\x02" * 48)]
    secrets.add([b"CLIENT_RANDOM %s %s" % (b"44" * 32, b"04" * 48)])
    assert (secrets.count, secrets.dropped, kept) == (1, 1, {})


def test_a_session_of_old_nss() -> None:
    secrets = read(f"RSA Session-ID:{'0a' * 32} Master-Key:{'44' * 48}")
    assert secrets.of(bytes.fromhex(RANDOM), b"\x0a" * 32) == ({MASTER: b"\x44" * 48},)
    assert secrets.of(bytes.fromhex(RANDOM), b"") == ()


def test_a_premaster_secret_by_how_it_begins_where_it_is_encrypted() -> None:
    secrets = read(f"RSA 0011223344556677 {'0303' + '44' * 46}")
    sealed = bytes.fromhex("0011223344556677") + bytes(248)
    other = bytes.fromhex(OTHER)
    assert secrets.reader.premaster(other, sealed) == [b"\x03\x03" + b"\x44" * 46]
    assert secrets.reader.premaster(other, sealed[1:]) == []
    assert secrets.reader.premaster(other, sealed[:7]) == []
    assert (secrets.not_understood, secrets.count, bool(secrets)) == (0, 1, True)
    assert secrets.of(other) == ()


@pytest.mark.parametrize("length", [1, 32, 48, 66, 1024])
def test_a_premaster_secret_by_client_random(length: int) -> None:
    secrets = read(f"PMS_CLIENT_RANDOM {RANDOM} {'5a' * length}")
    assert secrets.reader.premaster(bytes.fromhex(RANDOM), b"") == [b"\x5a" * length]
    assert secrets.reader.premaster(bytes.fromhex(OTHER), b"") == []
    assert secrets.has_premaster(bytes.fromhex(RANDOM))
    assert not secrets.has_premaster(bytes.fromhex(OTHER))
    assert (secrets.not_understood, secrets.count) == (0, 1)
    assert [len(each) for each in secrets.reader.unused] == [0, 0]


@pytest.mark.parametrize("line", ["", "# a comment", "   ", "\r\n"])
def test_nothing_to_understand(line: str) -> None:
    secrets = read(line)
    assert (secrets.lines, bool(secrets)) == (0, False)


@pytest.mark.parametrize(
    "line",
    [
        f"EXPORTER_SECRET {RANDOM} {'55' * 32}",
        f"EARLY_EXPORTER_SECRET {RANDOM} {'55' * 32}",
        f"ECH_SECRET {RANDOM} {'55' * 32}",
        f"QUIC_CLIENT_TRAFFIC_SECRET_0 {RANDOM} {'55' * 32}",
        f"SOMETHING_NEW {RANDOM} {'55' * 32}",
    ],
)
def test_labels_that_open_no_record_are_known_to_be_others(line: str) -> None:
    secrets = read(line)
    assert (secrets.lines, secrets.not_understood, bool(secrets)) == (1, 0, False)


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        f"CLIENT_RANDOM {RANDOM}",
        f"CLIENT_RANDOM {RANDOM[:-1]} {'11' * 48}",
        f"CLIENT_RANDOM {RANDOM} {'11' * 48}1",
        f"CLIENT_RANDOM {RANDOM} {'1g' * 48}",
        f"client_random {RANDOM} {'11' * 48}",
        f"CLIENT_RANDOM {RANDOM} {'11' * 48} more",
        "RSA Session-ID:0a Master-Key:44",
        f"RSA 00112233445566 {'44' * 48}",
        f"RSA 0011223344556677 {'44' * 47}",
        f"RSA 0011223344556677 {'44' * 48}00",
        f"RSA  0011223344556677 {'44' * 48}",
        f"PMS_CLIENT_RANDOM {RANDOM} ",
        f"PMS_CLIENT_RANDOM {RANDOM} 5",
        f"PMS_CLIENT_RANDOM {RANDOM} {'5a' * 1025}",
        f"PMS_CLIENT_RANDOM {RANDOM[:-2]} {'5a' * 48}",
        "\xff\x00",
        "A" * 5000,
    ],
)
def test_lines_that_are_counted(line: str) -> None:
    secrets = read(line, LINE)
    assert (secrets.lines, secrets.not_understood, bool(secrets)) == (2, 1, True)


KEY = ("-----BEGIN PRIVATE KEY-----", "TUlJ", "-----END PRIVATE KEY-----")


def test_a_private_key() -> None:
    secrets = read(*KEY, LINE)
    assert secrets.private_keys == [
        b"-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n"
    ]
    assert (secrets.lines, secrets.not_understood, bool(secrets)) == (1, 0, True)


@pytest.mark.parametrize(
    "lines",
    [
        ["-----BEGIN CERTIFICATE-----"],
        ["-----BEGIN ENCRYPTED PRIVATE KEY-----"],
        [
            "-----BEGIN RSA PRIVATE KEY-----",
            "Proc-Type: 4,ENCRYPTED",
            "DEK-Info: AES-128-CBC,F97204EF4BC6C53D68991FDD292933A7",
            "",
            "TUlJ",
            "-----END RSA PRIVATE KEY-----",
        ],
        ["-----BEGIN PRIVATE KEY-----", *["A" * 64] * 300],
        [line for number in range(65) for line in (KEY[0], f"{number:04d}", KEY[2])],
    ],
    ids=["certificate", "encrypted", "encrypted, RFC 1421", "too long", "too many"],
)
def test_private_keys_that_are_not_taken(lines: list[str]) -> None:
    secrets = read(*lines)
    assert secrets.not_understood > 0
    assert len(secrets.private_keys) <= 64
    assert not any(b"ENCRYPTED" in each for each in secrets.private_keys)


def test_a_key_that_is_cut_does_not_swallow_the_next_file() -> None:
    secrets = read(*KEY[:2])
    secrets.add([LINE.encode()])
    assert secrets.of(bytes.fromhex(RANDOM))


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        f"RSA 0011223344556677 {'44' * 48}",
        f"RSA Session-ID:{'0a' * 32} Master-Key:{'44' * 48}",
        f"PMS_CLIENT_RANDOM {RANDOM} {'5a' * 200}",
    ],
)
def test_a_key_that_is_cut_does_not_swallow_the_secrets_behind_it(line: str) -> None:
    secrets = read(*KEY[:2], line)
    assert secrets.count == 1
    assert (secrets.private_keys, secrets.not_understood) == ([], 1)


def test_private_keys_of_captures_are_not_taken() -> None:
    """A key of 8,192 bits takes three seconds to read: strangers must not bring them."""
    secrets = Secrets(10)
    secrets.add([*(line.encode() for line in KEY), LINE.encode()], from_capture=True)
    assert (secrets.private_keys, secrets.not_understood) == ([], 3)
    assert secrets.of(bytes.fromhex(RANDOM))


def test_a_private_key_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from wsanalyze.tls import rsa_keys

    asked: list[int] = []
    monkeypatch.setattr(rsa_keys, "loaded", lambda keys: asked.append(len(keys)) or list(keys))
    secrets = read(*KEY)
    assert secrets.rsa_keys() == secrets.rsa_keys() == secrets.private_keys
    others = [line for each in ("AAAA", "BBBB") for line in (KEY[0], each, KEY[2])]
    secrets.add(line.encode() for line in [*others, *KEY, *others])
    assert len(secrets.rsa_keys()) == 3
    assert asked == [1, 2]


def test_no_more_than_so_many() -> None:
    secrets = read(LINE, LINE.replace("ab", "ef"), most=1)
    assert (secrets.count, secrets.dropped) == (1, 1)
    assert secrets.of(b"\xab" * 32) == ()


def test_how_many_there_are() -> None:
    secrets = read(LINE)
    assert secrets.described == "1 file, 1 line"
    secrets.add([LINE.encode(), b"nonsense"])
    assert secrets.described == "2 files, 3 lines"


def test_secrets_are_not_shown() -> None:
    secrets = read(LINE)
    assert "11" * 8 not in repr(secrets) + str(secrets) + secrets.described


@given(st.lists(st.binary(max_size=200)))
def test_anything(lines: list[bytes]) -> None:
    secrets = Secrets(10)
    secrets.add(lines)
    assert secrets.not_understood <= secrets.lines <= len(lines)


class TestUnused:
    """Whose secrets may be tried for a connection that is not known: of nobody who had them."""

    def test_by_version(self) -> None:
        secrets = read(LINE, f"CLIENT_TRAFFIC_SECRET_0 {OTHER} {'22' * 32}")
        assert [list(each) for each in secrets.reader.unused] == [
            [bytes.fromhex(RANDOM)],
            [bytes.fromhex(OTHER)],
        ]

    def test_what_was_asked_for_leaves_and_later_lines_do_not_bring_it_back(self) -> None:
        secrets = read(LINE)
        secrets.of(bytes.fromhex(RANDOM))
        secrets.append([LINE.encode(), f"CLIENT_TRAFFIC_SECRET_0 {RANDOM} {'22' * 32}".encode()])
        assert [list(each) for each in secrets.reader.unused] == [[], []]
        assert secrets.reader.was_used(bytes.fromhex(RANDOM))

    def test_what_was_asked_for_in_vain_is_unused_when_it_comes(self) -> None:
        secrets = read()
        secrets.of(bytes.fromhex(RANDOM))
        assert not secrets.reader.was_used(bytes.fromhex(RANDOM))
        secrets.append([LINE.encode()])
        assert list(secrets.reader.unused[0]) == [bytes.fromhex(RANDOM)]

    def test_nothing_is_kept_of_connections_that_came_and_went(self) -> None:
        secrets = read(LINE)
        for number in range(1000):
            secrets.of(number.to_bytes(32, "big"))
        assert len(secrets.reader.by_random) == 1
        assert [len(each) for each in secrets.reader.unused] == [1, 0]


class TestMoreThanAreKept:
    """The newest are needed where a log grows for days."""

    def line(self, number: int, label: str = "CLIENT_RANDOM") -> bytes:
        return b"%s %064x %096x" % (label.encode(), number, number)

    def known(self, secrets: Secrets) -> list[int]:
        return sorted(
            int.from_bytes(random, "big") for store in secrets.stores for random in store.by_random
        )

    def test_the_oldest_are_forgotten(self) -> None:
        secrets = Secrets(4)
        secrets.add(map(self.line, range(10)))
        assert (self.known(secrets), secrets.count, secrets.dropped) == ([6, 7, 8, 9], 4, 6)
        assert len(secrets.reader.unused[0]) == 4
        secrets.append([self.line(10)])
        assert self.known(secrets) == [7, 8, 9, 10]

    def test_with_all_of_a_connection(self) -> None:
        secrets = Secrets(4)
        for number in range(3):
            secrets.append(
                [self.line(number, label) for label in (CLIENT_TRAFFIC, CLIENT_HANDSHAKE)]
            )
        assert (self.known(secrets), secrets.count) == ([1, 2], 4)

    def test_the_same_again_takes_no_room(self) -> None:
        secrets = Secrets(4)
        for _ in range(5):
            secrets.append(map(self.line, range(4)))
        assert (self.known(secrets), secrets.count, secrets.dropped) == ([0, 1, 2, 3], 4, 0)

    def test_sessions_count_as_well(self) -> None:
        secrets = Secrets(3)
        sessions = [b"RSA Session-ID:%064x Master-Key:%096x" % (n, n) for n in range(3)]
        secrets.append([self.line(1), *sessions, self.line(2)])
        assert (self.known(secrets), len(secrets.reader.by_session), secrets.count) == ([2], 2, 3)

    def test_premaster_secrets_count_as_well(self) -> None:
        secrets = Secrets(3)
        sealed = [b"RSA %016x %096x" % (n, n) for n in range(3)]
        exchanged = [b"PMS_CLIENT_RANDOM %064x %096x" % (n, n) for n in range(2)]
        secrets.append([self.line(1), *sealed, *exchanged])
        assert (self.known(secrets), secrets.count, secrets.dropped) == ([], 3, 3)
        assert [len(each) for each in (secrets.reader.by_exchange, secrets.reader.premasters)] == [
            1,
            2,
        ]
        secrets.append(exchanged)
        assert (secrets.count, secrets.dropped) == (3, 3)

    def test_a_capture_pushes_nothing_of_a_key_log_out(self) -> None:
        """A stranger could hide a connection by bringing many secrets."""
        secrets = Secrets(4)
        secrets.add(map(self.line, range(2)))
        secrets.add(map(self.line, range(100, 200)), from_capture=True)
        assert self.known(secrets) == [0, 1, 198, 199]
        secrets.append(map(self.line, range(2, 5)))
        assert self.known(secrets) == [1, 2, 3, 4]
        secrets.add(map(self.line, range(100, 200)), from_capture=True)
        assert self.known(secrets) == [1, 2, 3, 4]

    def test_what_a_capture_named_first_and_floods_out(self) -> None:
        """It pushed the key log's secret for the same connection out with its own."""
        secrets = Secrets(4)
        secrets.add([self.line(1)], from_capture=True)
        secrets.append([self.line(1)])
        secrets.add(map(self.line, range(100, 200)), from_capture=True)
        assert self.known(secrets) == [1, 197, 198, 199]
        assert list(secrets.reader.by_random) == [(1).to_bytes(32, "big")]

    def test_none_at_all(self) -> None:
        secrets = Secrets(0)
        secrets.add([self.line(1)])
        assert (secrets.count, secrets.dropped, bool(secrets)) == (0, 1, False)

    def test_sessions_that_were_seen(self) -> None:
        sessions = Sessions(2)
        masters = [Candidates([b"master %d" % number]) for number in range(4)]
        for number in range(4):
            sessions.ticket(bytes(6) + b"ticket %d" % number, masters[number])
        assert list(sessions.masters.values()) == [(each,) for each in masters[2:]]
