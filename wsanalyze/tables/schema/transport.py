"""Columns of `segments` and `tls`: what carried the connections."""

from __future__ import annotations

from wsanalyze.tables.columns import NOTES
from wsanalyze.tables.declaration import Column, Kind, Table, category, count, text, time
from wsanalyze.tables.schema.shared import CONNECTION, SENDER

SEGMENT_NOTES = tuple(note for note in NOTES if note is not None)

SEGMENTS = Table(
    "segments",
    "one TCP segment of those connections",
    (
        CONNECTION,
        count("packet", "number of the packet"),
        time("time", "of the packet"),
        SENDER,
        text("flags", "names of the TCP flags, as `SYN,ACK`; empty where none is set"),
        Column(
            "seq",
            Kind.NULLABLE_INT,
            "sequence number, relative to the sender's first",
            "not to be known",
        ),
        Column(
            "ack",
            Kind.NULLABLE_INT,
            "acknowledgment number, relative to the other end's first sequence number",
            "no ACK flag, or not to be known",
        ),
        count("length", "payload", "bytes"),
        count("window", "as sent, unscaled"),
        category("note", SEGMENT_NOTES, "what is special about it", "nothing"),
    ),
)

_HIDDEN = "not seen, or encrypted"
TLS = Table(
    "tls",
    "one TLS connection, decrypted or not",
    (
        text("client_ip", "address of the client"),
        Column("client_port", Kind.PORT, "its TCP port"),
        text("server_ip", "address of the server"),
        Column("server_port", Kind.PORT, "its TCP port"),
        text("community_id", "Community ID v1, seed 0, of the TCP conversation"),
        Column(
            "tcp_stream",
            Kind.NULLABLE_INT,
            "index of the TCP conversation, numbered as Wireshark's `tcp.stream` (which takes one "
            "more for each in which SOCKS carries something without TLS)",
            "it did not travel over TCP",
        ),
        time("started", "first packet of the TCP connection"),
        text("version", "that both ends agreed on, as `TLS 1.3`", "no ServerHello was seen"),
        text("cipher", "cipher suite, as IANA names it", "no ServerHello was seen"),
        text("sni", "host that the client asked for (RFC 6066 §3)", "it named none"),
        text("alpn", "protocol that the server chose (RFC 7301)", f"none, {_HIDDEN}"),
        Column("resumed", Kind.BOOLEAN, "whether an earlier session was resumed", "not seen"),
        text("client_random", "64 hex digits", "no ClientHello was seen"),
        text("server_random", "64 hex digits", "no ServerHello was seen"),
        text("ja3", "JA3 hash of the ClientHello", "none was seen"),
        text("ja4", "JA4 fingerprint of the ClientHello", "none was seen"),
        text("certificate_subject", "of the server's certificate, as RFC 4514 has it", _HIDDEN),
        text("certificate_issuer", "likewise", _HIDDEN),
        time("not_before", "from when on the certificate is valid", _HIDDEN),
        time("not_after", "until when", f"{_HIDDEN}, or beyond 2262"),
        Column("decrypted", Kind.BOOL, "whether records were opened with a known secret"),
        text("reason", "why it was not decrypted, or not to its end", "it was"),
    ),
)
