"""What is on the network besides WebSocket: HTTP, and what looks like TLS, DNS and QUIC."""

from __future__ import annotations

import struct

import numpy as np

from .contents import Contents
from .sends import CLIENT, MICROSECOND, MILLISECOND, SECOND, SERVER, Script, Sends

HOSTS = ("www.example.com", "static.example.net", "api.example.org", "img.example.com")
TLS_RECORD = 16_384
QUIC_VERSION = 1


def body_size(rng: np.random.Generator) -> int:
    """Bytes of a web response: log-normal, median 6 kB, mean about 18 kB, at most 1 MB."""
    return int(min(1_000_000, rng.lognormal(np.log(6_000), 1.5)))


def think(rng: np.random.Generator) -> float:
    """ns until a client's next request: 0.3 s on average."""
    return 100 * MICROSECOND + rng.exponential(0.3 * SECOND)


def answer(rng: np.random.Generator) -> float:
    """ns from a request to its response: 2-60 ms, network and server together."""
    return float(rng.uniform(2, 60)) * MILLISECOND


def http(rng: np.random.Generator, contents: Contents, count: int) -> Sends:
    """`count` HTTP/1.1 connections with 1-12 requests each, every tenth a POST with a body."""
    script = Script()
    for conversation in range(count):
        host = HOSTS[rng.integers(len(HOSTS))]
        for _ in range(rng.integers(1, 13)):
            script.send(conversation, CLIENT, think(rng), http_request(rng, contents, host))
            script.send(conversation, SERVER, answer(rng), http_response(rng, contents))
    return script.finish()


def http_request(rng: np.random.Generator, contents: Contents, host: str) -> bytes:
    """A GET, or a POST with 100-3,000 bytes of JSON lines."""
    body = b""
    if rng.random() < 0.1:
        body = contents.text_bytes(rng, int(rng.integers(100, 3_000)))
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = (
        f"{'POST' if body else 'GET'} /v1/items/{int(rng.integers(1_000_000))} HTTP/1.1\r\n"
        f"Host: {host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\n"
        "Accept: text/html,application/json;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\n"
        f"Accept-Encoding: identity\r\nCookie: session={rng.bytes(16).hex()}\r\n{length}\r\n"
    )
    return head.encode() + body


def http_response(rng: np.random.Generator, contents: Contents) -> bytes:
    """A 200 response, JSON lines or a download of random bytes."""
    size = body_size(rng)
    if rng.random() < 0.5:
        kind, body = "application/json", contents.text_bytes(rng, size)
    else:
        kind, body = "application/octet-stream", contents.binary_bytes(rng, size)
    head = (
        "HTTP/1.1 200 OK\r\nServer: example/1.0\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode() + body


def tls(rng: np.random.Generator, contents: Contents, count: int) -> Sends:
    """`count` TLS 1.3 look-alikes: hellos that parse, then records of random bytes."""
    script = Script()
    for conversation in range(count):
        script.send(conversation, CLIENT, 80 * MICROSECOND, client_hello(rng))
        flight = server_hello(rng) + change_cipher_spec() + records(rng, contents, 3_200)
        script.send(conversation, SERVER, answer(rng), flight)
        finished = change_cipher_spec() + records(rng, contents, 53)
        script.send(conversation, CLIENT, 400 * MICROSECOND, finished)
        for _ in range(rng.integers(1, 13)):
            asked = records(rng, contents, int(rng.integers(200, 1_200)))
            script.send(conversation, CLIENT, think(rng), asked)
            script.send(conversation, SERVER, answer(rng), records(rng, contents, body_size(rng)))
    return script.finish()


def vector(width: int, data: bytes) -> bytes:
    """`data` after its length in `width` bytes (RFC 8446 §3.4)."""
    return len(data).to_bytes(width, "big") + data


def extension(number: int, data: bytes) -> bytes:
    """One TLS extension (RFC 8446 §4.2)."""
    return number.to_bytes(2, "big") + vector(2, data)


def handshake_record(kind: int, body: bytes) -> bytes:
    """A handshake message in a record of its own."""
    return b"\x16\x03\x01" + vector(2, bytes([kind]) + vector(3, body))


def client_hello(rng: np.random.Generator) -> bytes:
    """A ClientHello with server name, ALPN, versions and an X25519 share (RFC 8446 §4.1.2)."""
    host = HOSTS[rng.integers(len(HOSTS))].encode()
    extensions = [
        extension(0, vector(2, b"\0" + vector(2, host))),
        extension(10, vector(2, bytes.fromhex("001d00170018"))),
        extension(13, vector(2, bytes.fromhex("040308040401050308050501"))),
        extension(16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1"))),
        extension(43, vector(1, bytes.fromhex("03040303"))),
        extension(51, vector(2, b"\x00\x1d" + vector(2, rng.bytes(32)))),
    ]
    size = sum(map(len, extensions))
    extensions.append(extension(21, bytes(max(0, 400 - size))))
    body = b"\x03\x03" + rng.bytes(32) + vector(1, rng.bytes(32))
    body += vector(2, bytes.fromhex("130113021303c02bc02f")) + vector(1, b"\0")
    return handshake_record(1, body + vector(2, b"".join(extensions)))


def server_hello(rng: np.random.Generator) -> bytes:
    """A ServerHello that chooses TLS_AES_128_GCM_SHA256 (RFC 8446 §4.1.3)."""
    share = extension(51, b"\x00\x1d" + vector(2, rng.bytes(32)))
    extensions = extension(43, b"\x03\x04") + share
    body = b"\x03\x03" + rng.bytes(32) + vector(1, rng.bytes(32)) + b"\x13\x01\x00"
    return handshake_record(2, body + vector(2, extensions))


def change_cipher_spec() -> bytes:
    """The record that TLS 1.3 sends for the middleboxes."""
    return b"\x14\x03\x03\x00\x01\x01"


def records(rng: np.random.Generator, contents: Contents, size: int) -> bytes:
    """`size` random bytes as application data, in records of 16 KiB at most."""
    data = contents.binary_bytes(rng, size)
    parts = [data[at : at + TLS_RECORD] for at in range(0, len(data), TLS_RECORD)]
    return b"".join(b"\x17\x03\x03" + vector(2, part) for part in parts)


def dns(rng: np.random.Generator, _contents: Contents, count: int) -> Sends:
    """`count` resolvers, each asking 20-99 questions of type A; answers have 1-4 addresses."""
    script = Script()
    for conversation in range(count):
        for _ in range(rng.integers(20, 100)):
            asked, told = dns_exchange(rng.bytes(28))
            script.send(conversation, CLIENT, think(rng), asked)
            script.send(conversation, SERVER, answer(rng), told)
    return script.finish()


def dns_exchange(random: bytes) -> tuple[bytes, bytes]:
    """A question and its answer (RFC 1035 §4), made from 28 random bytes."""
    number, answers, label = random[:2], 1 + random[2] % 4, random[4 : 6 + random[3] % 7].hex()
    name = vector(1, label.encode()) + b"\x07example\x03com\0"
    question = name + b"\0\x01\0\x01"
    asked = number + struct.pack(">5H", 0x0100, 1, 0, 0, 0) + question
    head = number + struct.pack(">5H", 0x8180, 1, answers, 0, 0)
    # A pointer to the name, type A, class IN, an hour to live, four bytes.
    record = b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04"
    told = b"".join(record + random[i : i + 4] for i in range(12, 12 + 4 * answers, 4))
    return asked, head + question + told


def quic(rng: np.random.Generator, contents: Contents, count: int) -> Sends:
    """`count` QUIC look-alikes: long headers at first, then short ones; nothing decrypts."""
    script = Script()
    for conversation in range(count):
        ids = vector(1, rng.bytes(8)) + vector(1, rng.bytes(8))
        long_header = b"\xc3" + QUIC_VERSION.to_bytes(4, "big") + ids
        for side in (CLIENT, SERVER, SERVER):
            # No token, then the length of the rest as a two-byte integer (RFC 9000 §17.2.2).
            rest = contents.binary_bytes(rng, 1_200 - len(long_header) - 3)
            length = (0x4000 | len(rest)).to_bytes(2, "big")
            script.send(conversation, side, answer(rng), long_header + b"\0" + length + rest)
        for _ in range(rng.integers(1, 9)):
            quic_exchange(rng, contents, script, conversation)
    return script.finish()


def quic_exchange(
    rng: np.random.Generator, contents: Contents, script: Script, conversation: int
) -> None:
    """One request and its response in datagrams of 1,250 bytes, every fourth acknowledged."""
    asked = contents.binary_bytes(rng, int(rng.integers(80, 600)))
    script.send(conversation, CLIENT, think(rng), b"\x41" + asked)
    pause = answer(rng)
    for number in range(body_size(rng) // 1_250 + 1):
        script.send(conversation, SERVER, pause, b"\x41" + contents.binary_bytes(rng, 1_249))
        pause = 12 * MICROSECOND
        if number % 4 == 3:
            script.send(conversation, CLIENT, pause, b"\x41" + contents.binary_bytes(rng, 32))
