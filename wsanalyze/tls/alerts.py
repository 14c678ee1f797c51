"""Alerts of TLS by their names: why a connection, or its handshake, was given up.

RFC 8446 §6; what it has no more, of RFC 5246 §7.2 and RFC 6066 §9; RFC 9849 §11.2.
"""

from __future__ import annotations

CLOSE_NOTIFY = 0

ALERTS = {
    CLOSE_NOTIFY: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}

# Those that end nothing by themselves: an end says with them what it will do, or will not.
WARNINGS = frozenset({CLOSE_NOTIFY, 41, 90, 100})
# Those with which a client refuses what is in a certificate, or who signed it.
OF_CERTIFICATES = frozenset({42, 43, 44, 45, 46, 48})


def alert_name(number: int) -> str:
    """Return what an alert is called, with its number: `unknown_ca (48)`, `200`."""
    name = ALERTS.get(number)
    return str(number) if name is None else f"{name} ({number})"
