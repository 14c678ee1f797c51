"""Columns of `summary`."""

from __future__ import annotations

from dataclasses import fields

from wsanalyze.limits import Limits
from wsanalyze.tables.declaration import Column, Kind, Table, count, text, time
from wsanalyze.tables.schema.connections import OUTCOMES


def _summary_columns() -> tuple[Column, ...]:
    """Return the columns of `summary`; a `limit_NAME` column stands for each of `Limits`."""
    not_decoded = "packets that could not be decoded: {}"
    return (
        text("capture", "name of the file or interface"),
        text("format", "of the capture", "not to be known"),
        text("compression", "of the file", "none"),
        count("packets", "packets that were read"),
        count("captured_bytes", "bytes of them that the capture holds", "bytes"),
        count("wire_bytes", "bytes of them that were on the wire", "bytes"),
        time("first_time", "earliest packet", "no packets"),
        time("last_time", "latest packet", "no packets"),
        Column(
            "dropped",
            Kind.NULLABLE_INT,
            "packets that the capturing program says it lost",
            "it does not say",
        ),
        count("not_packets", "records that hold no packet"),
        count("cut_packets", "packets shortened by the snap length"),
        count("tcp_packets", "packets with TCP"),
        count("udp_packets", "packets with UDP"),
        count("other_packets", "packets with anything else"),
        count("not_decoded_link", not_decoded.format("an unknown link type")),
        count("not_decoded_truncated", not_decoded.format("cut inside a header")),
        count("not_decoded_malformed", not_decoded.format("a malformed header")),
        count(
            "not_decoded_fragment",
            not_decoded.format("an IP fragment whose datagram is not whole"),
        ),
        count("tcp_conversations", "TCP conversations that began in this capture"),
        count("conversations_websocket", "of them: with a WebSocket attempt"),
        count("conversations_http", "of them: HTTP without one"),
        count("conversations_tls", "of them: TLS that was not decrypted"),
        count("conversations_other", "of them: anything else"),
        count("conversations_empty", "of them: without payload"),
        count("attempts", "WebSocket connection attempts"),
        *(count(f"attempts_{outcome}", f"of them: {outcome}") for outcome in OUTCOMES),
        count("frames", "WebSocket frames"),
        count("messages", "data messages"),
        count("lost_bytes", "sequence space of them that the capture never showed", "bytes"),
        *(
            count(f"limit_{limit.name}", f"how often the limit `{limit.name}` was reached")
            for limit in fields(Limits)
        ),
        text("problem", "why reading ended early", "it was read to its end"),
        count("other_not_ip", "of `other_packets`: those without an IP packet, as ARP"),
        count("fragment_packets", "IP fragments of whole datagrams, but for the last to come"),
        count("fragment_conflicts", "IP fragments that contradict an earlier one"),
        count("not_decoded_esp", not_decoded.format("encrypted with IPsec ESP")),
        count("not_decoded_macsec", not_decoded.format("encrypted with MACsec")),
        count("not_decoded_wifi", not_decoded.format("encrypted in 802.11")),
        count("not_decoded_nested", not_decoded.format("more headers than are followed")),
        Column("unknown_links", Kind.LIST, "LINKTYPE_ numbers of `not_decoded_link`, if any"),
        count(
            "duplicate_packets",
            "packets seen before, in conversations that were read: the same IP packet again",
        ),
        count("untimed_packets", "packets without a time of their own: that of the one before"),
        count("clamped_times", "packets whose time is outside 1677 to 2262, put at that end"),
        count("tls_decrypted", "TLS connections that were decrypted, in part at least"),
        count("keylog_lines", "lines of key logs, of all of them (in the first row)"),
        count("keylog_not_understood", "of them: lines that no key log should have"),
        Column(
            "missing_packages",
            Kind.LIST,
            "packages that are not installed and without which this was not read: see `problem`",
        ),
        count(
            "http2_unknown_streams",
            "streams of HTTP/2 whose request is not there, with data of both sides that was not "
            "recognised: WebSocket or not",
        ),
        count("keylog_files", "key logs, and blocks of secrets in captures (in the first row)"),
        count("unread_tunnels", "tunnels through SOCKS that cannot be read: GSSAPI, BIND, …"),
        count(
            "conversations_tls_empty",
            "of `tcp_conversations`: TLS that was decrypted and carried nothing",
        ),
        count("tls_without_secret", "of `tls_decrypted`: those of which an end has no secret"),
    )


SUMMARY = Table("summary", "one capture", _summary_columns())
