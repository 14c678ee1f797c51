"""What header fields and opcodes are for, in one sentence each, with the section that says so."""

from __future__ import annotations

# By name in lower case. What only one side sends is said so.
FIELDS = {
    "host": "the server (and port) that the client wants to speak to (RFC 6455 §4.1 item 4)",
    "upgrade": "the protocol to switch to; must name websocket (RFC 6455 §4.1 item 5)",
    "connection": "makes Upgrade a matter of this hop; must name Upgrade (RFC 6455 §4.1 item 6)",
    "sec-websocket-key": "16 random bytes that the client makes anew for each connection, in "
    "base64; no secret, only proof that the answer belongs to this request (RFC 6455 §4.1 item 7)",
    "sec-websocket-accept": "the server's hash of the client's key: it read the request and speaks "
    "WebSocket (RFC 6455 §4.2.2 item 5.4)",
    "sec-websocket-version": "the version of the protocol; 13 is RFC 6455 (RFC 6455 §4.1 item 9)",
    "sec-websocket-protocol": "subprotocols: the client offers, the server chooses one of them or "
    "none (RFC 6455 §1.9)",
    "sec-websocket-extensions": "extensions: the client offers, the server chooses among them "
    "(RFC 6455 §9.1)",
    "sec-websocket-key1": "the first of two numbers hidden in text: its digits, divided by the "
    "number of its spaces (draft-hixie-76 §4.1 item 16)",
    "sec-websocket-key2": "the second of two numbers hidden in text (draft-hixie-76 §4.1 item 16)",
    "sec-websocket-origin": "what Origin was called in old drafts; in an answer of Hixie-76 the "
    "client's Origin, said again (draft-hixie-76 §5.2)",
    "sec-websocket-location": "the URL that the server says it is (draft-hixie-76 §5.2)",
    "sec-websocket-draft": "the number of the HyBi draft, 1 to 3",
    "sec-websocket-nonce": "what HyBi draft 4 made its masking key of, beside the client's key",
    "websocket-protocol": "the subprotocol, in Hixie-75",
    "websocket-origin": "the client's Origin, said again by a server of Hixie-75",
    "websocket-location": "the URL that the server says it is, in Hixie-75",
    "origin": "the site whose page opens the connection; browsers always say it, and servers must "
    "check it against cross-site abuse (RFC 6455 §10.2)",
    "user-agent": "the program that asks (RFC 9110 §10.1.5)",
    "server": "the program that answers (RFC 9110 §10.2.4)",
    "date": "when the response was made (RFC 9110 §6.6.1)",
    "cookie": "what the server once asked the client to keep; browsers send it along with "
    "WebSocket requests, too (RFC 6265 §4.2)",
    "set-cookie": "what the client shall keep and send again (RFC 6265 §4.1)",
    "authorization": "credentials for the server (RFC 9110 §11.6.2)",
    "proxy-authorization": "credentials for a proxy (RFC 9110 §11.7.2)",
    "proxy-authenticate": "how the client may prove to the proxy who it is (RFC 9110 §11.7.1)",
    "proxy-connection": "what old clients say in place of Connection (RFC 9110 §7.6.1)",
    "www-authenticate": "how the client may prove who it is (RFC 9110 §11.6.1)",
    "cache-control": "whether caches may answer; for an upgrade they never can (RFC 9111 §5.2)",
    "pragma": "cache-control of HTTP/1.0 (RFC 9111 §5.4)",
    "accept-encoding": "compressions of HTTP bodies; has no say in WebSocket messages "
    "(RFC 9110 §12.5.3)",
    "accept-language": "languages that the user prefers (RFC 9110 §12.5.4)",
    "accept": "media types that the client can take (RFC 9110 §12.5.1)",
    "content-length": "how many bytes of body follow the head (RFC 9110 §8.6)",
    "content-type": "what the body is (RFC 9110 §8.3)",
    "transfer-encoding": "how the body is framed (RFC 9112 §6.1)",
    "via": "proxies that the message passed (RFC 9110 §7.6.3)",
    "forwarded": "who asked a proxy (RFC 7239 §4)",
    "x-forwarded-for": "who asked a proxy, in the form that was there before RFC 7239",
    "x-forwarded-proto": "whether a proxy was asked over TLS",
    "x-forwarded-host": "the Host that a proxy was asked for",
    "x-real-ip": "who asked a proxy, as nginx is usually told to say",
    "location": "where else to ask (RFC 9110 §10.2.2)",
    "retry-after": "when to ask again (RFC 9110 §10.2.3)",
    "keep-alive": "how long the connection may idle between HTTP requests; WebSocket has Pings",
    "sec-fetch-site": "whether the page is of the same site as the server (Fetch Metadata §2.4)",
    "sec-fetch-mode": "what kind of request it is; here websocket (Fetch Metadata §2.2)",
    "sec-fetch-dest": "what the answer is for (Fetch Metadata §2.1)",
    ":method": "CONNECT: the method of RFC 8441, where HTTP/1.1 has GET and Upgrade",
    ":protocol": "what the stream shall carry; only in an extended CONNECT (RFC 8441 §4)",
    ":scheme": "https for wss, http for ws (RFC 8441 §4)",
    ":path": "the resource (RFC 8441 §4)",
    ":authority": "what Host is in HTTP/1.1 (RFC 9113 §8.3.1)",
    ":status": "200 grants an extended CONNECT, where HTTP/1.1 has 101 (RFC 8441 §5)",
}

OPCODES = {
    0: "continues the message that its sender has begun (RFC 6455 §5.4)",
    1: "begins a message of text in UTF-8 (RFC 6455 §5.6)",
    2: "begins a message of bytes (RFC 6455 §5.6)",
    8: "begins or answers the closing handshake (RFC 6455 §5.5.1)",
    9: "asks whether the other end is alive (RFC 6455 §5.5.2)",
    10: "answers a Ping with the same bytes, or comes unasked as a heartbeat (RFC 6455 §5.5.3)",
}

# What frames of Hixie are, by the opcodes that RFC 6455 has for the same.
IN_HIXIE = {
    1: "is a message of text in UTF-8 (draft-hixie-76 §4.2)",
    2: "is a message of bytes, which receivers discard (draft-hixie-76 §4.2)",
    8: "begins or answers the closing handshake (draft-hixie-76 §4.2)",
}

STATUSES = {
    101: "the server switches: WebSocket frames begin right behind this head",
    200: "success in HTTP; in an extended CONNECT the stream is WebSocket from here on",
    400: "the server could not make sense of the request",
    401: "credentials are wanted first",
    403: "the server understood, and will not; often it is the Origin that it does not like "
    "(RFC 9110 §15.5.4)",
    404: "there is no such resource",
    407: "a proxy wants credentials first",
    426: "the server wants another protocol, or speaks other versions of this one (RFC 6455 "
    "§4.2.2 item 4, RFC 9110 §15.5.22)",
    502: "a proxy got no usable answer from the server behind it",
    503: "the server cannot now",
    504: "a proxy got no answer in time from the server behind it",
}


SWITCHING = 101
# What these are for in the response that switches.
IN_ANSWERS = {
    "upgrade": "the protocol that the server switches to; must be websocket (RFC 6455 §4.2.2 item "
    "5.2)",
    "connection": "makes Upgrade a matter of this hop; must name Upgrade (RFC 6455 §4.2.2 item "
    "5.3)",
    "sec-websocket-protocol": "the subprotocol that the server chose, one that the client offers "
    "(RFC 6455 §4.2.2 item 5.5)",
    "sec-websocket-extensions": "the extensions that the server chose of those that the client "
    "offers (RFC 6455 §4.2.2 item 5.6)",
}
# What these are for in a response that switches to nothing.
IN_REFUSALS = {
    "connection": "what becomes of this TCP connection: close says that the server ends it after "
    "this answer (RFC 9110 §7.6.1, RFC 9112 §9.3)",
    "upgrade": "protocols to which the server would switch, were it asked in the right way "
    "(RFC 9110 §7.8)",
    "sec-websocket-version": "the versions that the server speaks; the client may ask again in one "
    "of them (RFC 6455 §4.4)",
    "sec-websocket-accept": "belongs into a 101 alone: this answer switches to nothing",
    "sec-websocket-protocol": "belongs into a 101 alone: this answer switches to nothing",
    "sec-websocket-extensions": "belongs into a 101 alone: this answer switches to nothing",
}

# What these are for where a proxy is asked for a way (RFC 9110 §9.3.6).
TO_PROXIES = {
    "host": "the same host and port again; the start line is what counts (RFC 9110 §7.2)",
    "connection": "what becomes of the connection to the proxy (RFC 9110 §7.6.1)",
    ":method": "CONNECT, without :scheme and :path: a tunnel to :authority (RFC 9113 §8.5)",
    ":authority": "the host and port that the proxy shall connect to (RFC 9113 §8.5)",
    ":status": "a 2xx opens the tunnel (RFC 9113 §8.5)",
}


def field_meaning(name: str, *, of_proxy: bool = False, status: int | None = None) -> str | None:
    """Return what a header field is for; None where that is not known here.

    `of_proxy`: in a CONNECT or its answer. `status`: of the response that it is in; what switches
    to WebSocket is said of a 101 alone.
    """
    lower = name.lower()
    if of_proxy and lower in TO_PROXIES:
        return TO_PROXIES[lower]
    if status is not None:
        special = IN_ANSWERS if status == SWITCHING else IN_REFUSALS
        return special.get(lower, FIELDS.get(lower))
    return FIELDS.get(lower)


def opcode_meaning(opcode: int, dialect: str = "rfc6455") -> str:
    """Return what a frame of this opcode does; of Hixie's frames each is a message."""
    if dialect == "hixie" and opcode in IN_HIXIE:
        return IN_HIXIE[opcode]
    return OPCODES.get(opcode, "is reserved: who receives it must fail the connection (§5.2)")


def status_meaning(status: int | None) -> str | None:
    """Return what a status says of WebSocket; None where there is nothing to say."""
    if status is None:
        return None
    if 300 <= status <= 399:
        return "ask elsewhere; browsers do not follow redirects for WebSocket"
    return STATUSES.get(status)
