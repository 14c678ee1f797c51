"""Names of what is in a handshake."""

from __future__ import annotations

from wsanalyze.tls.names import GROUPS, message_name, named, offered_suite_name


def test_what_has_a_name_and_what_has_none() -> None:
    assert named(29, GROUPS) == "x25519"
    assert named(4588, GROUPS) == "X25519MLKEM768"
    assert named(0xFFFF, GROUPS) == "0xffff"
    assert (message_name(2), message_name(99)) == ("ServerHello", "message 99")


def test_grease_is_named_as_such() -> None:
    """RFC 8701 §2."""
    assert named(0x2A2A, GROUPS) == "GREASE 0x2a2a"
    assert offered_suite_name(0xFAFA) == "GREASE 0xfafa"


def test_signals_among_the_suites() -> None:
    assert offered_suite_name(0x00FF) == "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
    assert offered_suite_name(0x5600) == "TLS_FALLBACK_SCSV"
    assert offered_suite_name(0x1302) == "TLS_AES_256_GCM_SHA384"
