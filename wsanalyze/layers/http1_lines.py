"""What heads of HTTP/1 look like at their beginnings: asked before they are read."""

from __future__ import annotations

import re

from wsanalyze.tunnels.way import asked_in, authority_written

# A method or a version, and one blank: what every head begins with. Long enough for WebDAV.
BEGINNING = re.compile(rb"[!-~]{1,40}(?: |\Z)")
# Where anything may come, it is no head that does not look much like one.
BEGINNING_BLIND = re.compile(rb"[A-Z]{3,16} [!-~]|HTTP/1\.|[A-Z]{1,16} ?\Z|HTTP/1?\Z")
FRAMED = re.compile(rb"\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
# What proxies answer to a CONNECT, in so many words or nearly.
LET_THROUGH = re.compile(rb"HTTP/1\.[01] 2[0-9][0-9] [^\n]*\bestablished", re.IGNORECASE)
# A response that nothing is special about: most of the HTTP on any network.
PLAIN_RESPONSE = re.compile(rb"HTTP/1\.1 (200|201|206|301|302|307|400|403|404|500|502|503) ")
# Credentials that whoever reads them can use (RFC 7617 §4, RFC 6750 §5.3).
LOGIN = re.compile(rb"\nproxy-authorization[ \t]*:[ \t]*(basic|bearer)[ \t]+[!-~]", re.IGNORECASE)
CREDENTIALS = re.compile(rb"\nproxy-authorization[ \t]*:", re.IGNORECASE)
# Bytes that begin a frame of Hixie.
HIXIE_TYPES = (b"\x00", b"\x80", b"\xff")


def may_begin(head: bytearray, *, blind: bool) -> bool:
    """Say whether these can be the first bytes of a head; `blind`: among bytes of any kind."""
    if blind and BEGINNING_BLIND.match(head) is None:
        return False
    return BEGINNING.match(head) is not None


def names_http(line: bytes | bytearray) -> bool:
    """Say whether a first line is one of HTTP."""
    return line.startswith(b"HTTP/") or b" HTTP/" in line


def begins_segment(line: bytes) -> bool:
    """Say whether a segment that begins with this line begins with a head."""
    return line.startswith(b"HTTP/1.") or (
        BEGINNING.match(line) is not None and b" HTTP/1." in line
    )


def asks_again(data: bytes) -> bool:
    """Say whether a client that had asked for WebSocket goes on with another request."""
    return BEGINNING.match(data) is not None and b" HTTP/1." in data.partition(b"\n")[0]


def has_body(raw: bytes) -> bool:
    """Say whether a head says anything of a body."""
    return FRAMED.search(raw) is not None


def lets_through(raw: bytes) -> bool:
    """Say whether a response's head is one that opens a tunnel, in words that proxies use."""
    return LET_THROUGH.match(raw) is not None and not has_body(raw)


def plain_length(raw: bytes) -> int:
    """Return the body length of a common response's head, else -1.

    A short way: what is not told by one Content-Length of digits alone is to be read in full.
    """
    if PLAIN_RESPONSE.match(raw) is None:
        return -1
    framed = FRAMED.findall(raw)
    if len(framed) != 1 or len(framed[0][0]) != len(b"content-length"):
        return -1
    digits: bytes = framed[0][1].rstrip(b" \t")
    return int(digits) if digits.isdigit() and len(digits) < 19 else -1


def login_of(request: bytes) -> str | None:
    """Return the kind of credentials that a CONNECT gives its proxy, None where it gives none.

    Of Digest and its like nothing can be read (RFC 7616 §5.1): only what is as good as the
    password itself is told, Basic and Bearer.
    """
    found = LOGIN.search(request)
    return None if found is None else f"Proxy-Authorization: {found[1].decode().capitalize()}"


def has_credentials(request: bytes) -> bool:
    """Say whether a CONNECT brings credentials for its proxy, of any kind."""
    return CREDENTIALS.search(request) is not None


def way_of(request: bytes) -> str:
    """Return what the column `tunnel` has for a CONNECT, of its head (RFC 9112 §3.2.3)."""
    line = request.partition(b"\n")[0].rstrip(b"\r").decode("latin-1")
    return f"CONNECT {authority_written(asked_in(line).encode('latin-1'))}"


def are_frames(client: bytes, server: bytes, framing: str | None) -> bool:
    """Say whether both sides' bytes begin with frames: of `framing`, else as RFC 6455 has them."""
    if framing == "hixie":
        # What of Hixie was ever sent: text, Netty's binary frames, the closing handshake.
        return client[:1] in HIXIE_TYPES and server[:1] in HIXIE_TYPES
    if framing == "draft":
        return len(server) >= 1 and server[0] & 0x70 == 0 and server[0] & 15 <= 5
    return (
        len(client) >= 2
        and client[0] & 0x70 == 0
        and client[0] & 0x0F in (1, 2, 8, 9, 10)
        and client[1] & 0x80 != 0
        and len(server) >= 1
        and server[0] & 0x0F in (0, 1, 2, 8, 9, 10)
    )


def is_hello(data: bytes) -> bool:
    """Say whether bytes begin with a TLS record of a ClientHello (RFC 8446 §4, §5.1)."""
    return len(data) > 5 and data[:2] == b"\x16\x03" and data[5] == 1
