"""Alerts and their names."""

from __future__ import annotations

from wsanalyze.tls.alerts import ALERTS, OF_CERTIFICATES, WARNINGS, alert_name

# RFC 8446 §6, Appendix B.2.
OF_TLS_1_3 = """
close_notify(0) unexpected_message(10) bad_record_mac(20) record_overflow(22)
handshake_failure(40) bad_certificate(42) unsupported_certificate(43) certificate_revoked(44)
certificate_expired(45) certificate_unknown(46) illegal_parameter(47) unknown_ca(48)
access_denied(49) decode_error(50) decrypt_error(51) protocol_version(70)
insufficient_security(71) internal_error(80) inappropriate_fallback(86) user_canceled(90)
missing_extension(109) unsupported_extension(110) unrecognized_name(112)
bad_certificate_status_response(113) unknown_psk_identity(115) certificate_required(116)
no_application_protocol(120)
decryption_failed(21) decompression_failure(30) no_certificate(41) export_restriction(60)
no_renegotiation(100) certificate_unobtainable(111) bad_certificate_hash_value(114)
"""


def test_every_one_of_the_rfc_has_its_name() -> None:
    named = {f"{name}({number})" for number, name in ALERTS.items()}
    assert set(OF_TLS_1_3.split()) == named - {"ech_required(121)"}


def test_a_name_has_its_number() -> None:
    assert (alert_name(48), alert_name(255)) == ("unknown_ca (48)", "255")


def test_what_they_say() -> None:
    assert {ALERTS[number] for number in WARNINGS} == {
        "close_notify",
        "no_certificate",
        "user_canceled",
        "no_renegotiation",
    }
    assert {ALERTS[number].split("_")[-1] for number in OF_CERTIFICATES} == {
        *("certificate", "revoked", "expired", "unknown", "ca")
    }
