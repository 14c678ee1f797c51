"""Columns of `connections` and of the `headers` of their handshakes."""

from __future__ import annotations

from wsanalyze.checks.finding import SEVERITIES
from wsanalyze.tables.declaration import Column, Kind, Table, both, category, count, text, time
from wsanalyze.tables.schema.shared import CONNECTION, SENDER

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
    "idle",
)

_NO_REQUEST = "the handshake was before the capture, or the field was not sent"
_NO_RESPONSE = "no final response was seen, or the field was not sent"
_NO_TLS = "not inside TLS, or its handshake was not seen"

_NO_LEG = (
    "there is no such leg in the capture, or it could be one of several; in what `live` writes "
    "always, since it comes later"
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
            "no Close frame was seen, it had no body, or its code is missing",
        ),
        text(
            "client_close_reason",
            "reason in the client's first Close frame",
            "no Close frame was seen, it had no body, or its code is missing",
        ),
        Column(
            "server_close_code",
            Kind.PORT,
            "status code of the server's first Close frame",
            "no Close frame was seen, it had no body, or its code is missing",
        ),
        text(
            "server_close_reason",
            "reason in the server's first Close frame",
            "no Close frame was seen, it had no body, or its code is missing",
        ),
        category(
            "ended_by",
            ENDINGS,
            "who sent the first Close frame; without one, who sent the first FIN or RST, but for "
            "a RST after which its sender went on (it was somebody else's), in HTTP/2 END_STREAM, "
            "RST_STREAM, or a GOAWAY with an error, which is a `-rst`; "
            "`capture-end`; `evicted`: a limit was reached; `idle`: in a live session, no packet "
            "came for so long that nothing more is waited for",
            "the TCP connection went on with something else; or one end sent a Close, and what the "
            "other sent at last is missing, or no key opened it: its Close may have been first",
        ),
        *both("lost_bytes", "sequence space of the {} that the capture never showed", "bytes"),
        *both("retransmissions", "TCP segments of the {} that repeat what was seen"),
        *both("out_of_order", "TCP segments of the {} that came late"),
        count("findings", "how many findings concern this connection"),
        category("severity", SEVERITIES, "the worst of them", "no findings"),
        *both(
            "unread_bytes",
            "bytes of the {} that could not be told apart into frames behind a gap, or that no "
            "secret opened within TLS that others did",
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
            "what is wrong with the handshake, each as `code: sentence`, without secrets",
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
        Column(
            "leg_before",
            Kind.NULLABLE_INT,
            "number of the connection in front of the proxy that is its client: both legs have one "
            "Sec-WebSocket-Key",
            _NO_LEG,
        ),
        Column(
            "leg_behind",
            Kind.NULLABLE_INT,
            "number of the connection behind the proxy that is its server: of several that the "
            "proxy tried in turn the last",
            _NO_LEG,
        ),
    ),
)

HEADERS = Table(
    "headers",
    "one header field of a handshake",
    (
        CONNECTION,
        SENDER,
        count("position", "place in its head, from 0"),
        text("name", "as sent; `(unknown)` where HTTP/2 refers to what the capture does not have"),
        text("value", "as sent, unfolded; `(unknown)` likewise"),
    ),
)
