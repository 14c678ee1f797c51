"""Every table and column that wsanalyze makes, declared once.

The dtypes of the DataFrames, the Arrow schema, the names that `--where` knows and
`docs/tables.md` are all derived from this. It is plain data: nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import fields

from wsanalyze.checks.finding import COVERAGES, SEVERITIES
from wsanalyze.limits import Limits
from wsanalyze.tables.columns import NOTES
from wsanalyze.tables.declaration import Column, Kind, Table, both, category, count, text, time

SENDERS = ("client", "server")
SCHEMES = ("ws", "wss")
HTTP_VERSIONS = ("1.0", "1.1", "2", "3")
VERSIONS = (*(str(number) for number in range(13, -1, -1)), "hixie-76", "hixie-75")
OUTCOMES = ("established", "refused", "invalid", "unanswered", "unseen")
ENDINGS = (
    "client-close",
    "server-close",
    "client-fin",
    "server-fin",
    "client-rst",
    "server-rst",
    "capture-end",
    "evicted",
)
MESSAGE_TYPES = ("text", "binary")
# In the order of their opcodes.
FRAME_TYPES = (
    "continuation",
    "text",
    "binary",
    *(f"reserved-{opcode}" for opcode in range(3, 8)),
    "close",
    "ping",
    "pong",
    *(f"reserved-{opcode}" for opcode in range(11, 16)),
)
SEGMENT_NOTES = tuple(note for note in NOTES if note is not None)

_NO_REQUEST = "the handshake was before the capture, or the field was not sent"
_NO_RESPONSE = "no final response was seen, or the field was not sent"
_NO_TLS = "not inside TLS, or its handshake was not seen"
_CONNECTION = count("connection", "number of the connection, as in `connections`")
_SENDER = category("sender", SENDERS, "who sent it")
_CONFIDENCE = Column(
    "confidence",
    Kind.PORT,
    "bits of evidence that it begins where it was read, at least: the odds against chance are "
    "2^confidence to 1, 255 for more. It says nothing of payloads made to look like frames",
    "certain: read on from the handshake, no header lost before it",
    "bits",
)

CONNECTIONS = Table(
    "connections",
    "one WebSocket connection attempt, whether it succeeded or not",
    (
        count("connection", "0, 1, 2 … in order of the request (mid-stream: of the first packet)"),
        text("capture", "name of the file or interface it came from"),
        Column(
            "tcp_stream",
            Kind.NULLABLE_INT,
            "index of the TCP conversation, numbered as Wireshark's `tcp.stream` (which takes one "
            "more for each in which SOCKS carries something without TLS)",
            "it did not travel over TCP",
        ),
        text("community_id", "Community ID v1, seed 0: the join key to Zeek and Suricata logs"),
        text("client_ip", "address of the end that asked for the connection"),
        Column("client_port", Kind.PORT, "its TCP port"),
        text("server_ip", "address of the end that was asked"),
        Column("server_port", Kind.PORT, "its TCP port"),
        category("scheme", SCHEMES, "`ws`, or `wss` inside TLS, unless that ends at a proxy"),
        category(
            "http_version",
            HTTP_VERSIONS,
            "version of HTTP that carried the request",
            "mid-stream, or the request named no such version",
        ),
        Column(
            "http_stream",
            Kind.NULLABLE_INT,
            "stream id of HTTP/2 and HTTP/3",
            "HTTP/1 and mid-stream",
        ),
        text(
            "tunnel",
            "proxies that it travelled through, outermost first, joined with `, `: "
            "`CONNECT host:port` (`CONNECT` alone where the capture has its answer only, and TLS "
            "behind it), `SOCKS5 host:port` (`SOCKS4`, `SOCKS4a`), and `PROXY "
            "address:port` of the client that a proxy asks for (`PROXY LOCAL`, `UNKNOWN`, `UNIX`). "
            "Names are percent-encoded but for letters, digits and `.-_~:[]`. Wrappings below TCP, "
            "such as VXLAN, are not named",
            "none, or the capture does not have what the client said to the proxy",
        ),
        category(
            "version",
            VERSIONS,
            "version of the WebSocket protocol that was asked for",
            "mid-stream, or none or an undefined one was asked for (`headers` has it as sent)",
        ),
        category(
            "outcome",
            OUTCOMES,
            "`established`; `refused`: a final response other than success; `invalid`: a success "
            "response that fails the handshake rules; `unanswered`: no final response, or a 101 "
            "without the whole answer to a challenge (hixie-76); `unseen`: mid-stream",
        ),
        text("method", "method of the request, as sent", _NO_REQUEST),
        text("target", "target of the request, as sent", _NO_REQUEST),
        text("host", "Host of the request, as sent", _NO_REQUEST),
        text("origin", "Origin of the request, as sent", _NO_REQUEST),
        text("user_agent", "User-Agent of the request, as sent", _NO_REQUEST),
        Column("status", Kind.NULLABLE_INT, "status code of the final response", _NO_RESPONSE),
        text("reason", "its reason phrase, as sent", _NO_RESPONSE),
        text("server", "Server of the response, as sent", _NO_RESPONSE),
        text(
            "key",
            "Sec-WebSocket-Key, as sent; hixie-76 and drafts 0 to 3: the eight bytes behind the "
            "head, in hex",
            f"{_NO_REQUEST}, or hixie-75",
        ),
        text(
            "accept",
            "Sec-WebSocket-Accept, as sent; hixie-76 and drafts 0 to 3: the sixteen bytes behind "
            "the head, in hex",
            f"{_NO_RESPONSE}, or hixie-75",
        ),
        text(
            "accept_expected",
            "the accept value computed from `key`; hixie-76 and drafts 0 to 3: the MD5 of the "
            "numbers of Sec-WebSocket-Key1 and -Key2 (in `headers`) and of `key`",
            "no `key`, or one of those fields is faulty",
        ),
        Column(
            "accept_valid",
            Kind.BOOLEAN,
            "whether `accept` is `accept_expected`",
            "either is missing",
        ),
        Column(
            "subprotocols_offered",
            Kind.LIST,
            "subprotocols of the request, in order",
            "the handshake was before the capture",
        ),
        text("subprotocol", "subprotocol of the response, as sent", _NO_RESPONSE),
        Column(
            "extensions_offered",
            Kind.LIST,
            "extensions of the request, each with its parameters as sent",
            "the handshake was before the capture",
        ),
        Column(
            "extensions",
            Kind.LIST,
            "extensions of the response, each with its parameters as sent",
            "the handshake was before the capture",
        ),
        time("started", "first packet of the TCP connection"),
        time("requested", "first byte of the request", "mid-stream"),
        time("responded", "first byte of the final response", "none was seen"),
        time("ended", "last packet"),
        Column("connect_ms", Kind.FLOAT, "from SYN to SYN/ACK", "either was not seen", "ms"),
        Column(
            "handshake_ms",
            Kind.FLOAT,
            "from `requested` to `responded`",
            "either is missing",
            "ms",
        ),
        Column("duration_s", Kind.FLOAT, "from `started` to `ended`", unit="s"),
        *both("frames", "frames that the {} sent"),
        *both("messages", "data messages that the {} sent"),
        *both(
            "bytes",
            "frame payload that the {} sent, as on the wire (compressed size where compressed)",
            "bytes",
        ),
        *both("pings", "Ping frames that the {} sent"),
        *both("pongs", "Pong frames that the {} sent"),
        count(
            "client_unmasked_frames",
            "frames of the client without a mask, which RFC 6455 §5.1 forbids (versions before 4 "
            "have no mask)",
        ),
        count(
            "server_masked_frames", "frames of the server with a mask, which RFC 6455 §5.1 forbids"
        ),
        Column(
            "client_close_code",
            Kind.PORT,
            "status code of the client's first Close frame",
            "no Close frame was seen, or it had no body",
        ),
        text(
            "client_close_reason",
            "reason in the client's first Close frame",
            "no Close frame was seen, or it had no body",
        ),
        Column(
            "server_close_code",
            Kind.PORT,
            "status code of the server's first Close frame",
            "no Close frame was seen, or it had no body",
        ),
        text(
            "server_close_reason",
            "reason in the server's first Close frame",
            "no Close frame was seen, or it had no body",
        ),
        category(
            "ended_by",
            ENDINGS,
            "who sent the first Close frame; without one, who sent the first FIN or RST, but for "
            "a RST after which its sender went on (it was somebody else's); "
            "`capture-end`; `evicted`: a limit was reached",
            "the TCP connection went on with something else",
        ),
        *both("lost_bytes", "sequence space of the {} that the capture never showed", "bytes"),
        *both("retransmissions", "TCP segments of the {} that repeat what was seen"),
        *both("out_of_order", "TCP segments of the {} that came late"),
        count("findings", "how many findings concern this connection"),
        category("severity", SEVERITIES, "the worst of them", "no findings"),
        *both(
            "unread_bytes",
            "bytes of the {} that could not be told apart into frames behind a gap",
            "bytes",
        ),
        *both("invalid_text_messages", "text messages of the {} that are not valid UTF-8"),
        *both(
            "duplicates",
            "packets of the {} that the capture holds twice (with payload, SYN or FIN); "
            "no retransmissions",
        ),
        *both(
            "resyncs",
            "how often frames of the {} were found again where a header had been lost, or where "
            "the capture began in the middle",
        ),
        Column(
            "request_packet",
            Kind.NULLABLE_INT,
            "number of the packet with the first byte of the request",
            _NO_REQUEST,
        ),
        Column(
            "response_packet",
            Kind.NULLABLE_INT,
            "number of the packet with the first byte of the final response",
            _NO_RESPONSE,
        ),
        Column(
            "faults",
            Kind.LIST,
            "what is wrong with the handshake, each as `code: sentence`",
            "the handshake was not seen",
        ),
        *both(
            "incomplete_messages",
            "messages of the {} that a gap, a limit or the end of the capture cut, or that could "
            "not be decompressed",
        ),
        *both(
            "conflicts",
            "TCP segments of the {} that bring other bytes than an earlier one for the same place; "
            "what had been handed on is compared only where `segments` is read",
        ),
        text("tls_version", "version of TLS, as in `tls`", _NO_TLS),
        text("tls_cipher", "cipher suite of TLS, as in `tls`", _NO_TLS),
        text("sni", "host that the client asked TLS for", f"{_NO_TLS}, or it named none"),
        text("alpn", "protocol that was negotiated in TLS", f"{_NO_TLS}, or none was"),
    ),
)

FRAMES = Table(
    "frames",
    "one WebSocket frame",
    (
        _CONNECTION,
        count("frame", "0, 1, 2 … within the connection, in order of its first header byte"),
        _SENDER,
        time("time", "packet with its first header byte"),
        time(
            "time_end",
            "packet with its last payload byte, of a text frame of Hixie with its 0xFF (or with "
            "the last byte that was seen)",
        ),
        count("packet", "number of the packet with its first header byte, from 1"),
        count("packet_end", "number of that packet"),
        count(
            "offset",
            "of its first header byte in the sender's TCP byte stream (decrypted where TLS; in "
            "what the DATA frames of its stream carry where HTTP/2)",
            "bytes",
        ),
        Column("fin", Kind.BOOL, "the FIN bit (drafts 1 to 3: MORE not set; Hixie: always)"),
        Column("rsv1", Kind.BOOL, "the RSV1 bit"),
        Column("rsv2", Kind.BOOL, "the RSV2 bit"),
        Column("rsv3", Kind.BOOL, "the RSV3 bit"),
        Column(
            "opcode",
            Kind.BYTE,
            "0 to 15, as sent; of a version before 7, what RFC 6455 has for the same type. Drafts "
            "1 to 6 sent 1 close, 2 ping, 3 pong, 4 text, 5 binary (here 8, 9, 10, 1, 2), and "
            "reserved 8, 9, 10 (here 3, 4, 5). Hixie: a type byte of 0x00 is 1, of 0x80 is 2, "
            "0xFF 0x00 is 8, any other 3 (below 0x80) or 4",
        ),
        category("type", FRAME_TYPES, "what the opcode stands for"),
        Column(
            "masked",
            Kind.BOOL,
            "the MASK bit (drafts 4 to 6: all frames of a client, header included)",
        ),
        text(
            "masking_key",
            "eight hex digits (drafts 4 to 6: of the four bytes in front of the frame)",
            "unmasked",
        ),
        count(
            "header_length",
            "of the frame header, masking key included; of Hixie the type byte, and the length "
            "where there is one",
            "bytes",
        ),
        count(
            "length",
            "payload as the header says (of a text frame of Hixie, up to its 0xFF, or as far as "
            "it was seen); 9223372036854775807 where the header says more than "
            "RFC 6455 §5.2 allows (`length_raw` has it exactly)",
            "bytes",
        ),
        count("captured", "payload that was seen", "bytes"),
        Column(
            "message",
            Kind.NULLABLE_INT,
            "number of the message it belongs to, as in `messages`",
            "a control frame, or a continuation of nothing",
        ),
        Column(
            "close_code",
            Kind.PORT,
            "status code",
            "not a Close frame, or one without a body",
        ),
        Column(
            "length_coded",
            Kind.BYTE,
            "bytes of extended length in the header: 0, 2 or 8 (Hixie: behind the first)",
            unit="bytes",
        ),
        Column(
            "length_raw",
            Kind.UNSIGNED,
            "the length exactly as sent, where its top bit is set",
            "the top bit is not set, `length` is exact",
            "bytes",
        ),
        _CONFIDENCE,
    ),
)

MESSAGES = Table(
    "messages",
    "one data message",
    (
        _CONNECTION,
        count("message", "0, 1, 2 … within the connection, in order of its first frame"),
        _SENDER,
        category("type", MESSAGE_TYPES, "opcode of its first frame"),
        time("time", "packet with the first byte of its first frame"),
        time("time_end", "packet with the last byte of its last frame"),
        count("packet", "number of the packet with the first byte of its first frame"),
        count("packet_end", "number of the packet with the last byte of its last frame"),
        count("frames", "fragments"),
        Column("compressed", Kind.BOOL, "whether permessage-deflate compressed it"),
        count("wire_length", "sum of the frame payloads", "bytes"),
        Column(
            "length",
            Kind.NULLABLE_INT,
            "after decompression",
            "it could not be decompressed",
            "bytes",
        ),
        Column("complete", Kind.BOOL, "False where a gap, a limit or the capture's end cut it"),
        Column("utf8_valid", Kind.BOOLEAN, "whether a text is UTF-8", "binary, or not to be known"),
        text(
            "sha256",
            "SHA-256 of the whole application payload, in hex",
            "incomplete, or hashes were not asked for",
        ),
        text(
            "preview",
            "the first characters (text), hex of the first bytes (binary)",
            "nothing was kept of the payload",
        ),
        _CONFIDENCE,
    ),
)

HEADERS = Table(
    "headers",
    "one header field of a handshake",
    (
        _CONNECTION,
        _SENDER,
        count("position", "place in its head, from 0"),
        text("name", "as sent; `(unknown)` where HTTP/2 refers to what the capture does not have"),
        text("value", "as sent, unfolded; `(unknown)` likewise"),
    ),
)

FINDINGS = Table(
    "findings",
    "one thing that a check found",
    (
        Column(
            "connection",
            Kind.NULLABLE_INT,
            "number of the connection, as in `connections`",
            "it concerns the capture as a whole",
        ),
        text("check", "ID of the check"),
        category("severity", SEVERITIES, "how bad it is"),
        text("message", "one sentence with the facts"),
        category("sender", SENDERS, "who sent it", "it concerns both ends, or neither"),
        time("time", "when", "it has no one moment"),
        Column("packet", Kind.NULLABLE_INT, "number of the packet", "it has no one packet"),
        Column("frame", Kind.NULLABLE_INT, "number of the frame", "it concerns no one frame"),
        text("evidence", "the bytes or the field at fault, shortened", "there are none to show"),
        text("reference", "document and section", "no document says so"),
        text("name", "name of the check, which can be typed instead of its ID"),
        text("expected", "what should have been there", "it cannot be said in few words"),
        category(
            "coverage",
            COVERAGES,
            "what the capture has of the place that was looked at: all of it; not all, since "
            "packets are missing; not its beginning; not its end",
        ),
        count("count", "how many such findings the row stands for"),
    ),
)

SEGMENTS = Table(
    "segments",
    "one TCP segment of those connections",
    (
        _CONNECTION,
        count("packet", "number of the packet"),
        time("time", "of the packet"),
        _SENDER,
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
    )


SUMMARY = Table("summary", "one capture", _summary_columns())

TABLES = {
    table.name: table
    for table in (CONNECTIONS, FRAMES, MESSAGES, HEADERS, FINDINGS, SEGMENTS, TLS, SUMMARY)
}
