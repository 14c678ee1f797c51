"""Captures made for reports: one connection, what both say chosen."""

from __future__ import annotations

from support.packets import ACK, CLIENT, SECOND, SERVER, SYN, T0, pcap_of, segment


def conversation(
    ours: list[bytes],
    theirs: list[bytes],
    word: bytes = b"chat",
    *,
    port: int = CLIENT[1],
    start: int = T0,
    step: int = SECOND,
    extension: str = "",
) -> bytes:
    """Return a capture of one connection, its frames one packet each; `word` is in both heads.

    The line of an `extension` is, too.
    Its first packet is at `start` ns, each of the others `step` ns behind the one before.
    """
    client_end = (CLIENT[0], port)
    line = word.replace(b"\r", b"").replace(b"\n", b"")
    more = f"{extension}\r\n".encode() if extension else b""
    request = (
        b"GET /%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"User-Agent: %s\r\n%s\r\n" % (line.replace(b" ", b""), line, line, more)
    )
    response = (
        b"HTTP/1.1 101 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: %s\r\n%s\r\n"
        % (line, line, more)
    )
    packets = [segment(client_end, SERVER, 0, 0, SYN), segment(SERVER, client_end, 0, 1, SYN | ACK)]
    client, server = 1 + len(request), 1 + len(response)
    packets.append(segment(client_end, SERVER, 1, 1, ACK, request))
    packets.append(segment(SERVER, client_end, 1, client, ACK, response))
    for data in ours:
        packets.append(segment(client_end, SERVER, client, server, ACK, data))
        client += len(data)
    for data in theirs:
        packets.append(segment(SERVER, client_end, server, client, ACK, data))
        server += len(data)
    return pcap_of(packets, times=[start + number * step for number in range(len(packets))])
