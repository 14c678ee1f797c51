"""Handshakes of TLS in recorded sessions, message by message; numbers are those of Wireshark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from story.told import told
from wsanalyze.story.model import Secure, TlsStep
from wsanalyze.story.tls_handshake import told_message


def secure(name: str, number: int = 0) -> Secure:
    found = told(name, number).secure
    assert found is not None
    return found


def outline(name: str, number: int = 0) -> list[tuple[int, str, str, int, bool]]:
    """Return packet, sender, name, length and whether it was encrypted."""
    steps = secure(name, number).steps
    return [(each.packet, each.sender, each.name, each.length, each.sealed) for each in steps]


def test_tls_1_3_message_by_message() -> None:
    """tshark's lengths are 4 less: those without the header."""
    assert outline("chat-wss.pcapng") == [
        (4, "client", "ClientHello", 512, False),
        (6, "server", "ServerHello", 122, False),
        (6, "server", "ChangeCipherSpec", 1, False),
        (6, "server", "EncryptedExtensions", 21, True),
        (6, "server", "Certificate", 486, True),
        (6, "server", "CertificateVerify", 80, True),
        (6, "server", "Finished", 52, True),
        (8, "client", "ChangeCipherSpec", 1, False),
        (8, "client", "Finished", 52, True),
        (11, "server", "NewSessionTicket", 249, True),
        (11, "server", "NewSessionTicket", 249, True),
    ]


def test_tls_1_2_message_by_message() -> None:
    """Only what follows a ChangeCipherSpec is encrypted."""
    assert outline("wss-tls12.pcapng") == [
        (4, "client", "ClientHello", 512, False),
        (6, "server", "ServerHello", 80, False),
        (6, "server", "Certificate", 483, False),
        (6, "server", "ServerKeyExchange", 115, False),
        (6, "server", "ServerHelloDone", 4, False),
        (8, "client", "ClientKeyExchange", 37, False),
        (8, "client", "ChangeCipherSpec", 1, False),
        (8, "client", "Finished", 16, True),
        (9, "server", "NewSessionTicket", 202, False),
        (9, "server", "ChangeCipherSpec", 1, False),
        (9, "server", "Finished", 16, True),
    ]


def test_hellos_have_their_bytes() -> None:
    """Both are as long as their parts, and no other message has any."""
    for step in secure("chat-wss.pcapng").steps:
        lengths = sum(len(part.data) for part in step.parts)
        assert lengths == (step.length if step.name in ("ClientHello", "ServerHello") else 0)


def test_grease_of_chromium_stands_in_its_hello() -> None:
    hello = secure("wss-http2-chromium.pcapng").steps[0]
    assert hello.name == "ClientHello"
    meant = [part.text for part in hello.parts if "RFC 8701" in part.text]
    # Suites, groups, schemes, versions, key shares; two extensions.
    assert len(meant) >= 6


def facts(step: TlsStep) -> dict[str, str]:
    return dict(step.facts)


def test_what_the_client_offers() -> None:
    tls = secure("chat-wss.pcapng")
    said = facts(tls.steps[0])
    assert said["random"] == tls.client_random
    assert said["versions"].startswith("TLS 1.3, TLS 1.2 (supported_versions)")
    assert said["server name (SNI)"] == "chat.example"
    assert said["protocols (ALPN)"] == "http/1.1"
    assert said["key shares"] == "x25519 (32 bytes)"
    assert said["groups"].split(", ")[:2] == ["x25519", "secp256r1"]
    assert "rsa_pss_rsae_sha256" in said["signature schemes"].split(", ")
    suites = next(text for label, text in said.items() if label.endswith("cipher suites"))
    assert suites.split(", ")[0] == "TLS_AES_256_GCM_SHA384"


def test_what_the_server_chooses() -> None:
    tls = secure("chat-wss.pcapng")
    hello, secret = facts(tls.steps[1]), facts(tls.steps[3])
    assert (hello["version"], hello["cipher suite"]) == (tls.version, tls.cipher)
    assert hello["key share"] == "x25519 (32 bytes)"
    assert secret["protocol (ALPN)"] == "http/1.1"


def test_who_the_server_is() -> None:
    tls = secure("chat-wss.pcapng")
    certificate, verify = facts(tls.steps[4]), facts(tls.steps[5])
    assert certificate["of"] == tls.certificate_subject
    assert certificate["certificates"].startswith("1: ")
    assert verify["signed with"] == "ecdsa_secp256r1_sha256, 72 bytes"


def test_the_server_key_before_1_3() -> None:
    said = facts(secure("wss-tls12.pcapng").steps[3])
    assert said["key"] == "x25519, 32 bytes"
    assert said["signed with"].startswith("ecdsa_secp256r1_sha256, ")


def test_a_ticket_is_not_shown_itself() -> None:
    said = facts(secure("chat-wss.pcapng").steps[9])
    assert said["ticket"].endswith(" bytes, good for 7,200 s")


def test_another_client_hello_is_asked_for() -> None:
    names = [each[2] for each in outline("wss-handshakes.pcapng", 6)]
    assert names[:2] == ["ClientHello", "HelloRetryRequest"]
    assert names.count("ClientHello") == 2
    assert "ServerHello" in names
    assert "(" not in facts(secure("wss-handshakes.pcapng", 6).steps[1])["group asked for"]


def test_a_resumed_session_has_no_certificate() -> None:
    for number in (1, 3, 5):
        assert "Certificate" not in [each[2] for each in outline("wss-handshakes.pcapng", number)]
    said = facts(secure("wss-handshakes.pcapng", 5).steps[0])
    assert said["pre-shared keys"].startswith("1, ")
    assert "pre-shared key" in facts(secure("wss-handshakes.pcapng", 5).steps[1])


def test_keys_are_changed_on_the_way() -> None:
    updates = [each for each in outline("wss-rekeyed.pcapng") if each[2] == "KeyUpdate"]
    assert [each[0] for each in updates] == [17, 21, 26, 35, 39]
    assert {each[3:] for each in updates} == {(5, True)}


def test_of_tls_in_tls_the_innermost_is_told() -> None:
    """In the tunnel within TLS there are two ClientHellos on one TCP connection."""
    story = next(
        told("wss-tunnels.pcapng", number)
        for number in range(9)
        if told("wss-tunnels.pcapng", number).target == "/secure-proxy"
    )
    assert story.secure is not None
    hellos = [each for each in story.secure.steps if each.name == "ClientHello"]
    assert len(hellos) == 1
    assert facts(hellos[0])["random"] == story.secure.client_random


def test_the_diagram_has_the_messages_of_a_packet_in_one_arrow() -> None:
    events = [each for each in told("chat-wss.pcapng").events if each.layer == "tls"]
    assert [(each.packet, each.label) for each in events][:3] == [
        (4, "ClientHello"),
        (6, "ServerHello … Finished (6 messages)"),
        (8, "ChangeCipherSpec, Finished"),
    ]
    assert events[3].label == "2 NewSessionTicket"
    assert events[3].detail == "encrypted"


@given(st.integers(0, 255), st.binary(max_size=200), st.booleans(), st.booleans())
def test_any_bytes_are_a_message(kind: int, body: bytes, new: bool, elliptic: bool) -> None:
    version = "TLS 1.3" if new else "TLS 1.2"
    name, _, said = told_message(kind, body, version, "ECDH" if elliptic else "")
    assert name
    assert all(isinstance(text, str) for pair in said for text in pair)


def test_of_tls_in_tls_both_are_told_the_outer_first() -> None:
    """`/secure-proxy`: TLS with HAProxy, a CONNECT in it, and TLS with the server in that."""
    story = told("wss-tunnels.pcapng", 6)
    (outer,) = story.around
    assert (outer.sni, outer.alpn, outer.keys_from) == ("chat.example", "http/1.1", "capture")
    assert outer.client_random is not None
    assert outer.client_random.startswith("2a028161")
    assert [each.name for each in outer.steps][:2] == ["ClientHello", "ServerHello"]
    inner = story.secure
    assert inner is not None
    assert inner.client_random is not None
    assert inner.client_random.startswith("b3b491f0")
    assert inner.steps[0].packet > outer.steps[0].packet
    # Credentials for the proxy are in them, and what the tunnel carries is told as the inner one.
    assert outer.records == ()
    hellos = [each for each in story.events if "ClientHello" in each.label and each.leg == 0]
    assert [(each.label, each.detail) for each in hellos] == [
        ("outer: ClientHello", "SNI chat.example"),
        ("inner: ClientHello", ""),
    ]


def test_a_leg_behind_it_and_a_plain_tunnel_have_one() -> None:
    for number in (0, 7, 8):
        assert told("wss-tunnels.pcapng", number).around == ()


def test_tls_on_a_stream_of_http2_is_in_the_tls_of_all_streams() -> None:
    (outer,) = told("http2-connect.pcapng", 2).around
    assert outer.alpn == "h2"


def test_of_long_lists_the_first_are_named() -> None:
    """A ClientHello with 500 cipher suites, RFC 8446 §4.1.2, and no extensions."""
    suites = b"\x13\x01" * 500
    body = b"\x03\x03" + bytes(32) + b"\x00" + len(suites).to_bytes(2, "big") + suites + b"\x01\x00"
    _, _, facts = told_message(1, body, "TLS 1.3", "")
    text = dict(facts)["500 cipher suites"]
    assert text.count("TLS_AES_128_GCM_SHA256") == 100
    assert text.endswith(" and 400 more")


@pytest.mark.parametrize(
    ("number", "name", "label", "key"),
    [
        (0, "ServerKeyExchange", "key", "a finite field, 256 bytes"),
        (1, "ServerKeyExchange", "key", "a finite field, 384 bytes"),
        (10, "ServerKeyExchange", "key", "a finite field, 256 bytes"),  # TLS 1.0
        (11, "ServerHello", "key share", "ffdhe2048 (256 bytes)"),
        (12, "ServerHello", "key share", "ffdhe8192 (1024 bytes)"),
        (13, "HelloRetryRequest", "group asked for", "ffdhe3072"),
        (14, "ServerKeyExchange", "key", "a finite field, 384 bytes"),
        (15, "ServerHello", "key share", "ffdhe4096 (512 bytes)"),
    ],
)
def test_keys_of_finite_fields(number: int, name: str, label: str, key: str) -> None:
    """Before TLS 1.3 no message says which group it is: the prime itself is sent."""
    steps = secure("wss-finite-field.pcapng", number).steps
    (step,) = [each for each in steps if each.name == name]
    assert facts(step)[label] == key
