"""Recorded wss sessions: as their twins without TLS, as tshark decrypts them; nothing secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.tshark import fields, needs_tshark

import wsanalyze
from wsanalyze.cli.main import main
from wsanalyze.crosscheck.verification import verify
from wsanalyze.pipeline import TLS_KEY_LOG
from wsanalyze.tls.hellos import RETRY

pytest.importorskip("cryptography")

DECRYPTION_SECRETS, ENHANCED_PACKET = b"\x0a\0\0\0", b"\x06\0\0\0"
CLIENT_HELLO = re.compile(rb"\x16\x03[\x01\x03]..\x01\x00..\x03[\x01-\x03]", re.DOTALL)
ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT / "captures"
WSS = [
    *("chat-wss.pcapng", "wss-tls12.pcapng", "wss-suites.pcapng"),
    *("wss-handshakes.pcapng", "wss-rekeyed.pcapng"),
    *("wss-rsa.pcapng", "wss-implementations.pcapng", "wss-finite-field.pcapng"),
    *("wss-records.pcapng", "wss-denied.pcapng"),
]
# What TCP and the clock decide.
OF_PACKETS = (
    *("time", "time_end", "packet", "packet_end", "masking_key"),
    *("capture", "client_port", "community_id", "key", "accept", "accept_expected", "scheme"),
    *("started", "requested", "responded", "ended", "connect_ms", "handshake_ms", "duration_s"),
    *("request_packet", "response_packet", "tls_version", "tls_cipher", "sni", "alpn"),
    "findings",
)


def keylog_of(capture: Path) -> bytes:
    """Return the secrets that a capture brings along."""
    from wsanalyze.capture.source import open_capture

    with open_capture(capture) as reader:
        while reader.next() is not None:
            pass
        return b"".join(data for kind, data in reader.info.secrets if kind == TLS_KEY_LOG)


@pytest.fixture
def closed(tmp_path: Path) -> tuple[Path, Path]:
    """Return chat-wss without its secrets, and a key log of them."""
    capture, log = tmp_path / "closed.pcapng", tmp_path / "keys.log"
    original = CAPTURES / "chat-wss.pcapng"
    log.write_bytes(keylog_of(original))
    capture.write_bytes(without_secrets(original.read_bytes()))
    return capture, log


def without_secrets(data: bytes) -> bytes:
    """Return a pcapng file (little-endian) without Decryption Secrets Blocks."""
    kept = b""
    while data:
        stop = int.from_bytes(data[4:8], "little")
        if data[:4] != DECRYPTION_SECRETS:
            kept += data[:stop]
        data = data[stop:]
    return kept


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[name for name in OF_PACKETS if name in table.columns])


def test_the_twin_without_tls_has_the_same_tables() -> None:
    twin, wss = (wsanalyze.analyze(CAPTURES / f"chat-{name}.pcapng") for name in ("ws", "wss"))
    for name in ("connections", "frames", "messages"):
        pd.testing.assert_frame_equal(comparable(twin.table(name)), comparable(wss.table(name)))
    fixed = {"sec-websocket-key", "sec-websocket-accept", "date"}
    for one, other in zip(twin.headers.itertuples(), wss.headers.itertuples(), strict=True):
        assert one.name == other.name
        assert one.value == other.value or one.name.lower() in fixed
    # The certificate is what it has besides.
    assert [*twin.findings["check"], "TLS-04"] == list(wss.findings["check"])
    assert len(twin.tls) == 0


@needs_tshark
@pytest.mark.parametrize("name", WSS)
def test_what_tshark_says_of_the_handshakes(name: str) -> None:
    theirs = fields(
        CAPTURES / name,
        ("tcp.stream", "tls.handshake.random", "tls.handshake.ja3"),
        where="tls.handshake.type == 1",
    )
    # The first ClientHello of each stream: behind a HelloRetryRequest there is another.
    first = {row[0]: row for row in reversed(theirs)}
    ours = wsanalyze.analyze(CAPTURES / name).tls
    assert [[str(row.tcp_stream), row.client_random, row.ja3] for row in ours.itertuples()] == [
        first[stream] for stream in sorted(first, key=int)
    ]
    theirs = fields(
        CAPTURES / name,
        ("tls.handshake.random", "tls.handshake.ciphersuite"),
        where="tls.handshake.type == 2",
        occurrences="f",
    )
    chosen = [row[0] for row in theirs if row[0] != RETRY.hex()]
    # Of a renegotiation nothing is a fact of the connection.
    first_ones = chosen[:2] + chosen[4:] if name == "wss-rekeyed.pcapng" else chosen
    assert first_ones == list(ours["server_random"])


def test_sessions_resumed_and_a_retry() -> None:
    analysis = wsanalyze.analyze(CAPTURES / "wss-handshakes.pcapng")
    rows = zip(analysis.connections["target"], analysis.tls.itertuples(), strict=True)
    found = {target: (row.version, bool(row.resumed), row.reason) for target, row in rows}
    assert {target: facts[:2] for target, facts in found.items()} == {
        "/ticket": ("TLS 1.2", False),
        "/ticket-again": ("TLS 1.2", True),
        "/id": ("TLS 1.2", False),
        "/id-again": ("TLS 1.2", True),
        "/key": ("TLS 1.3", False),
        "/key-again": ("TLS 1.3", True),
        "/retry": ("TLS 1.3", False),
    }
    assert analysis.tls["reason"].isna().all()


@needs_tshark
@pytest.mark.parametrize("name", WSS)
def test_messages_are_those_that_tshark_decrypts(name: str) -> None:
    """By stream, the payload of each text message."""
    theirs = fields(CAPTURES / name, ("tcp.stream", "websocket.payload.text"), where="websocket")
    assert sum(1 for row in theirs if row[1]) > 0
    analysis = wsanalyze.analyze(CAPTURES / name)
    assert analysis.tls["decrypted"].all()
    assert len(analysis.frames) >= len(theirs)


def test_a_key_log_beside_the_capture(closed: tuple[Path, Path]) -> None:
    capture, log = closed
    inside = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng")
    for keylog in (log, str(log), [log], log.parent):
        beside = wsanalyze.analyze(capture, keylog=keylog)
        pd.testing.assert_frame_equal(inside.messages, beside.messages)


def test_without_a_key_log(closed: tuple[Path, Path]) -> None:
    analysis = wsanalyze.analyze(closed[0])
    assert len(analysis.connections) == 0
    (row,) = analysis.tls.to_dict("records")
    assert (row["decrypted"], row["sni"]) == (False, "chat.example")
    assert row["reason"] == "no secrets are known"
    (summary,) = analysis.summary.to_dict("records")
    assert (summary["conversations_tls"], summary["tls_decrypted"]) == (1, 0)


def test_a_key_log_that_is_not_there(closed: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(wsanalyze.UsageError, match=r"key log .*none\.log: cannot be read"):
        wsanalyze.analyze(closed[0], keylog=tmp_path / "none.log")
    with pytest.raises(wsanalyze.UsageError, match="keylog is a path"):
        wsanalyze.analyze(closed[0], keylog=[1])  # type: ignore[list-item]


def test_the_command_line(
    closed: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capture, log = map(str, closed)
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)

    def summary(*options: str) -> str:
        assert main(["summary", capture, "--no-color", *options]) == 0
        return capsys.readouterr().out

    assert "1 TLS, not decrypted" in summary()
    named = summary("--keylog", log)
    assert "wss://chat.example:9301/chat" in named
    assert "1 decrypted" in named
    monkeypatch.setenv("SSLKEYLOGFILE", log)
    assert summary() == named
    monkeypatch.setenv("SSLKEYLOGFILE", log + ".gone")
    assert "1 TLS, not decrypted" in summary()
    assert main(["summary", capture, "--keylog", log + ".gone"]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "loaded"), [("chat-ws", False), ("chat-wss", True)])
def test_what_is_loaded(name: str, loaded: bool) -> None:
    """Captures without TLS pay nothing for it."""
    program = (
        "import sys; from wsanalyze.cli.main import main; "
        f"main(['summary', 'captures/{name}.pcapng', '-q']); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    modules = set(done.stdout.split())
    assert {"cryptography" in modules, "wsanalyze.layers.tls" in modules} == {loaded}


@needs_tshark
def test_verify_with_key_logs(closed: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("pyshark")
    capture, log = closed
    other = tmp_path / "other.log"
    other.write_text("# nothing", encoding="ascii")
    for keylogs, frames in (([], 0), ([log], 20), ([other, log], 20)):
        found = verify(capture, keylogs=keylogs)
        assert (found.agree, found.ours, found.theirs) == (frames,) * 3


def test_no_secret_is_in_anything_that_is_written(tmp_path: Path) -> None:
    capture = CAPTURES / "chat-wss.pcapng"
    secrets = [line.split()[2] for line in keylog_of(capture).splitlines() if line[:1] != b"#"]
    assert len(secrets) == 5
    analysis = wsanalyze.analyze(capture)
    analysis.export(tmp_path, format="jsonl")
    analysis.export(tmp_path / "all.db", format="sqlite")
    written = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(written) >= 7
    for secret in secrets:
        for data in written:
            assert secret not in data.lower()
            assert bytes.fromhex(secret.decode()) not in data
        assert secret.decode() not in repr(analysis) + repr(analysis.recording)


# What another implementation, ja4plus 1.4.0 on scapy, has for the ClientHellos of these captures.
JA4 = {
    "chat-wss.pcapng": {"t13d1812h1_85036bcba153_d41ae481755e"},
    "wss-handshakes.pcapng": {
        "t13d1812h1_85036bcba153_d41ae481755e",
        "t13d1812h1_85036bcba153_dbd39dd1d406",
    },
    "wss-http2-chromium.pcapng": {"t13d1517h2_8daaf6152771_cb7bf5808d99"},
    "wss-http2.pcapng": {"t13d5911h2_a33745022dd6_1f22a2ca17c4"},
    "wss-rekeyed.pcapng": {
        "t13d041000_16476d049b0b_78f1d400d464",
        "t12d280700_d943125447b4_e7e480e5a997",
        "t13d041200_16476d049b0b_2226a1d1dedf",
    },
    "wss-suites.pcapng": {
        *("t13d0211h1_ec078ce24869_78f1d400d464", "t13d0211h1_9d5106e3f751_78f1d400d464"),
        *("t13d0211h1_bb76221c5b8c_78f1d400d464", "t13d0211h1_d6df1d7c4cd5_78f1d400d464"),
        *("t13d0211h1_3be9a9a201ba_78f1d400d464", "t12d0208h1_6d4732649639_3c5a66c06c35"),
        *("t12d0208h1_6a7d5ebe9983_3c5a66c06c35", "t12d0208h1_14e71d778212_3c5a66c06c35"),
        *("t12d0208h1_24d3b308d37f_3c5a66c06c35", "t12d0208h1_423123446bcc_3c5a66c06c35"),
        *("t12d0208h1_c66b7cee1896_3c5a66c06c35", "t12d0208h1_adebd50f2b51_3c5a66c06c35"),
        *("t12d0208h1_184f2be1a0c6_3c5a66c06c35", "t12d0207h1_68cd44b4e773_350d2de2742e"),
        *("t12d0207h1_adebd50f2b51_350d2de2742e", "t12d0207h1_184f2be1a0c6_350d2de2742e"),
        *("t11d0207h1_c66b7cee1896_195413a0cc0f", "t10d0206h1_68cd44b4e773_6a8990167ab8"),
    },
    "wss-tunnels.pcapng": {
        "t13i1811h1_85036bcba153_d41ae481755e",
        "t13d1812h1_85036bcba153_d41ae481755e",
    },
}


@pytest.mark.parametrize("name", JA4)
def test_another_implementation_has_the_same_ja4(name: str) -> None:
    assert set(wsanalyze.analyze(CAPTURES / name).tls["ja4"]) == JA4[name]


def test_keys_that_change_on_the_way() -> None:
    """KeyUpdate, renegotiation, and an upgrade request that is 0-RTT data."""
    analysis = wsanalyze.analyze(CAPTURES / "wss-rekeyed.pcapng")
    wss = analysis.connections[analysis.connections["scheme"] == "wss"]
    rows = zip(wss.itertuples(), analysis.tls.itertuples(), strict=True)
    found = {
        row.target: (tls.version, bool(tls.resumed), row.client_messages, row.server_messages)
        for row, tls in rows
    }
    assert found == {
        "/key-update": ("TLS 1.3", False, 7, 7),
        "/renegotiation": ("TLS 1.2", False, 5, 5),
        "/first": ("TLS 1.3", False, 1, 1),
        "/early": ("TLS 1.3", True, 2, 2),
    }
    assert analysis.tls["decrypted"].all()
    assert analysis.tls["reason"].isna().all()
    early = analysis.connections.query("target == '/early' and scheme == 'wss'")
    hello = analysis.tls["client_random"][3]
    assert hello is not None
    # The request came in the flight of the ClientHello, before anything of the server.
    assert early["request_packet"].item() < early["response_packet"].item()
    assert early["request_packet"].item() == 136


def test_refused_handshakes() -> None:
    """Without secrets, too: who refused, and for what. The last one was not refused."""
    analysis = wsanalyze.analyze(CAPTURES / "wss-refused.pcapng")
    reasons = dict(
        zip(analysis.tls["server_port"], analysis.tls["reason"].fillna("-"), strict=True)
    )
    ended, hello = "the handshake ended with alert ", ", before the ServerHello"
    assert reasons == {
        9374: f"{ended}certificate_expired (45) of the client; it had expired 30 days before",
        9373: f"{ended}bad_certificate (42) of the client",
        9371: f"{ended}unknown_ca (48) of the client; the server signed it itself",
        9372: f"{ended}unknown_ca (48) of the client",
        9375: f"{ended}protocol_version (70) of the server{hello}",
        9376: f"{ended}handshake_failure (40) of the server{hello}",
        9377: f"{ended}handshake_failure (40) of the server, after the client had answered",
        9378: f"{ended}unrecognized_name (112) of the server{hello}",
        9370: "-",
    }
    assert list(analysis.connections["target"]) == ["/valid"]


def test_keys_of_finite_fields() -> None:
    """Suites of DHE_RSA before TLS 1.3, of both orders of MAC and encryption, and of each mode."""
    analysis = wsanalyze.analyze(CAPTURES / "wss-finite-field.pcapng")
    rows = list(zip(analysis.connections["target"], analysis.tls.itertuples(), strict=True))
    assert analysis.tls["decrypted"].all()
    suites = {target: tls.cipher for target, tls in rows if tls.version != "TLS 1.3"}
    assert suites == {
        "/aes-128-gcm": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "/aes-256-gcm": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        "/chacha20": "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "/aes-128-ccm": "TLS_DHE_RSA_WITH_AES_128_CCM",
        "/aes-256-ccm-8": "TLS_DHE_RSA_WITH_AES_256_CCM_8",
        "/aes-128-sha1": "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        "/aes-256-sha256": "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        "/aes-256-sha1-mac-first": "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        "/plain-master-secret": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "/tls-1.1": "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        "/tls-1.0": "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        "/gnutls": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    }


def test_unusual_records() -> None:
    """Padded, empty and small ones: all of them open."""
    tls = wsanalyze.analyze(CAPTURES / "wss-records.pcapng").tls
    assert len(tls) == 14
    assert tls["decrypted"].all()
    assert tls["reason"].isna().all()


def test_the_key_of_the_server_alone(tmp_path: Path) -> None:
    """Static RSA, sessions resumed from it too; not ECDHE, where the same key only signs."""
    path = tmp_path / "closed.pcapng"
    path.write_bytes(without_secrets((CAPTURES / "wss-rsa.pcapng").read_bytes()))
    whole = wsanalyze.analyze(CAPTURES / "wss-rsa.pcapng")
    opened = wsanalyze.analyze(path, keylog=CAPTURES / "wss-rsa.key.pem")
    closed = opened.tls[~opened.tls["decrypted"]]
    assert list(closed["cipher"]) == ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
    assert closed["reason"].item() == (
        "no secret for this client random in 1 file, 0 lines; a private key opens no connection "
        "with this cipher suite"
    )
    ecdhe = "/ecdhe"
    assert targets(opened) == {
        port: target for port, target in targets(whole).items() if target != ecdhe
    }
    columns = ["target", "client_messages", "server_messages", "client_bytes", "server_bytes"]
    pd.testing.assert_frame_equal(
        opened.connections[columns],
        whole.connections.query("target != @ecdhe")[columns].reset_index(drop=True),
    )


def premaster_lines(tmp_path: Path) -> tuple[Path, Path]:
    """Return wss-rsa without its secrets, and a key log of what was sealed with the key alone."""
    path, log = tmp_path / "closed.pcapng", tmp_path / "keys.log"
    path.write_bytes(without_secrets((CAPTURES / "wss-rsa.pcapng").read_bytes()))
    lines = keylog_of(CAPTURES / "wss-rsa.pcapng").splitlines(keepends=True)
    log.write_bytes(b"".join(line for line in lines if line.startswith(b"RSA ")))
    return path, log


def test_premaster_secrets_alone(tmp_path: Path) -> None:
    """OpenSSL logs each as `RSA`, with how it begins where it is encrypted; they open the same."""
    path, log = premaster_lines(tmp_path)
    by_key = wsanalyze.analyze(path, keylog=CAPTURES / "wss-rsa.key.pem")
    by_line = wsanalyze.analyze(path, keylog=log)
    for table in ("connections", "frames", "messages"):
        pd.testing.assert_frame_equal(by_key.table(table), by_line.table(table))
    drop = ["reason"]
    pd.testing.assert_frame_equal(by_key.tls.drop(columns=drop), by_line.tls.drop(columns=drop))
    assert list(by_line.tls["reason"].dropna()) == [
        "no secret for this client random in 1 file, 9 lines"
    ]
    summary = by_line.summary.iloc[0]
    assert (summary["keylog_lines"], summary["keylog_not_understood"]) == (9, 0)


@needs_tshark
def test_what_tshark_opens_with_premaster_secrets(tmp_path: Path) -> None:
    path, log = premaster_lines(tmp_path)
    given = ("-o", f"tls.keylog_file:{log}")
    theirs = fields(path, ("tcp.stream",), where="websocket", more=given)
    opened = wsanalyze.analyze(path, keylog=log)
    streams = opened.connections["tcp_stream"]
    assert sorted(int(row[0]) for row in theirs) == sorted(streams[opened.frames["connection"]])


@needs_tshark
def test_what_tshark_opens_with_that_key(tmp_path: Path) -> None:
    path, key = tmp_path / "closed.pcapng", CAPTURES / "wss-rsa.key.pem"
    path.write_bytes(without_secrets((CAPTURES / "wss-rsa.pcapng").read_bytes()))
    given = ("-o", f'uat:rsa_keys:"{key}",""')
    theirs = fields(path, ("tcp.stream",), where="websocket", more=given)
    opened = wsanalyze.analyze(path, keylog=key)
    streams = opened.connections["tcp_stream"]
    assert sorted(int(row[0]) for row in theirs) == sorted(streams[opened.frames["connection"]])


# The client's port whose upgrade request is 0-RTT data.
EARLY = 40_503


def without_client_hellos(data: bytes) -> bytes:
    """Return a pcapng file (little-endian) without the packets that begin a ClientHello."""
    kept = b""
    while data:
        stop = int.from_bytes(data[4:8], "little")
        if data[:4] != ENHANCED_PACKET or not CLIENT_HELLO.search(data[:stop]):
            kept += data[:stop]
        data = data[stop:]
    return kept


@pytest.mark.parametrize("name", WSS)
def test_without_the_client_hellos(tmp_path: Path, name: str) -> None:
    """The server's random is there, the client's is in the key log: the tag says which."""
    path = tmp_path / "no-hello.pcapng"
    path.write_bytes(without_client_hellos((CAPTURES / name).read_bytes()))
    whole, left = wsanalyze.analyze(CAPTURES / name), wsanalyze.analyze(path)
    assert left.tls["sni"].isna().all()
    assert list(left.tls["client_random"]) == list(whole.tls["client_random"])
    assert list(left.tls["cipher"]) == list(whole.tls["cipher"])
    assert list(left.tls["decrypted"]) == list(whole.tls["decrypted"])
    assert said(left) == said(whole)
    # An upgrade request that is 0-RTT data was lost with its hello.
    asked = {port: target for port, target in targets(whole).items() if port != EARLY}
    assert targets(left) == asked


@pytest.mark.parametrize("name", ["chat-wss.pcapng", "wss-tls12.pcapng"])
def test_a_capture_that_begins_between_the_hellos(tmp_path: Path, name: str) -> None:
    path = tmp_path / "later.pcapng"
    path.write_bytes(behind_client_hello((CAPTURES / name).read_bytes()))
    whole, left = wsanalyze.analyze(CAPTURES / name), wsanalyze.analyze(path)
    assert list(left.connections["target"]) == list(whole.connections["target"])
    assert list(left.connections["outcome"]) == list(whole.connections["outcome"])
    assert said(left) == said(whole)


def said(analysis: wsanalyze.Analysis) -> list[tuple[int, str, str]]:
    """Return who said what; behind a hole that nobody fills, in which order is not known."""
    messages, ports = analysis.messages, analysis.connections["client_port"]
    senders = (ports[number] for number in messages["connection"])
    return sorted(zip(senders, messages["sender"], messages["sha256"], strict=True))


def targets(analysis: wsanalyze.Analysis) -> dict[int, str]:
    """Return what each client asked for, by its port."""
    connections = analysis.connections.dropna(subset=["target"])
    return dict(zip(connections["client_port"], connections["target"], strict=True))


def behind_client_hello(data: bytes) -> bytes:
    """Return a pcapng file (little-endian) without the packets up to the first ClientHello."""
    kept, seen = b"", False
    while data:
        stop = int.from_bytes(data[4:8], "little")
        if seen or data[:4] != ENHANCED_PACKET:
            kept += data[:stop]
        elif CLIENT_HELLO.search(data[:stop]):
            seen = True
        data = data[stop:]
    return kept


# What would be said of an end that cannot be read, as if it had not spoken.
BLAMES = {"HSR-18", "TRN-05", "XCN-01", "TLS-06", "PRX-18", "CLS-08", "CLS-02", "CLS-03", "TRN-01"}


@pytest.mark.parametrize("end", ["CLIENT", "SERVER"])
def test_of_an_end_without_secrets_nothing_is_judged(end: str, closed: tuple[Path, Path]) -> None:
    capture, log = closed
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(each for each in lines if not each.startswith(end.encode())))
    analysis = wsanalyze.analyze(capture, keylog=log)
    (tls,) = analysis.tls.to_dict("records")
    assert (tls["decrypted"], tls["reason"]) == (True, f"no secret for what the {end.lower()} sent")
    (row,) = analysis.connections.to_dict("records")
    assert row["ended_by"] not in ("evicted", "capture-end")
    assert row[f"{end.lower()}_unread_bytes"] > 0
    other = "server" if end == "CLIENT" else "client"
    whole = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng")
    assert row[f"{other}_messages"] == whole.connections[f"{other}_messages"][0]
    found = set(analysis.findings["check"])
    assert "TLS-09" in found
    assert not found & BLAMES


def test_secrets_of_the_handshake_alone(
    closed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    capture, log = closed
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(each for each in lines if b"HANDSHAKE" in each))
    why = "the secrets of its handshake are known, and no traffic secret for what both ends sent"
    for command in ("summary", "check"):
        main([command, str(capture), "--keylog", str(log)])
        assert why in " ".join(capsys.readouterr().out.split())


def test_a_junk_key_log_is_called_the_same_everywhere(
    closed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    capture, log = closed
    log.write_bytes(b"no\nkey log\n")
    (row,) = wsanalyze.analyze(capture, keylog=log).tls.to_dict("records")
    assert row["reason"] == "the key logs hold no secrets: 1 file, 2 lines"
    for command in ("summary", "check"):
        main([command, str(capture), "--keylog", str(log)])
        assert row["reason"] in " ".join(capsys.readouterr().out.split())
