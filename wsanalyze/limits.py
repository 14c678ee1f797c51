"""Every limit in one place: what a stranger's bytes can make wsanalyze keep."""

from __future__ import annotations

from dataclasses import dataclass, fields

from wsanalyze.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept before wsanalyze lets go, counts it and goes on. Sizes are bytes.

    Raises UsageError for what is no integer of 0 or more.
    """

    # Conversations followed at once. 131,072 cost 80 to 130 MB; beyond it closed ones leave first,
    # then the ones idle for longest. (Linux tracks 262,144 by default, Zeek has no limit.)
    flows: int = 131_072
    # Conversations that are read at once, with their heads and messages: 12 kB each. Beyond it the
    # ones idle for longest are read no more, WebSocket sessions last.
    followed: int = 32_768
    # Out-of-order bytes kept per direction: TCP's largest window without scaling is 64 KiB, common
    # scaled receive windows end at 6 MiB (Linux tcp_rmem), and most holes are filled much sooner.
    out_of_order: int = 4 * 1024 * 1024
    # Out-of-order bytes kept in all.
    out_of_order_total: int = 64 * 1024 * 1024
    # Bytes already read that later copies are compared with, where the table of segments is wanted:
    # 64 to 128 KiB of a direction, and some 200 bytes for each segment that brought them; in all.
    # Beyond it a direction begins anew.
    remembered: int = 256 * 1024 * 1024
    # Places where two copies of the same bytes differ that are kept with both versions, some 600
    # bytes each, in all; they are counted beyond it. Sound traffic has none.
    conflicts: int = 4096
    # What proxies refused (a CONNECT, a SOCKS request), some 300 bytes each, in all: what checks of
    # explicit proxies look at. A client that is refused asks a few times.
    refusals: int = 1024
    # One HTTP head: nginx takes 32 KiB, Apache 8 KiB per line, Node 16 KiB, Squid 64 KiB.
    head: int = 64 * 1024
    # Upgrade requests that keep a record, some 6.5 kB each with what checks look at, in all. One
    # takes 14 bytes of HTTP/2: a stranger's capture of some megabytes has as many. Beyond it they
    # are not followed. `summary` keeps no records, and counts all.
    attempts: int = 512 * 1024
    # Requests of one connection that wait for their responses, and interim responses (1xx) kept of
    # one attempt. Clients that pipeline send a handful; nginx answers at most 1,000 per connection.
    pipelined: int = 256
    # WebSockets of one HTTP/2 connection at once, and streams of unknown kind that are looked at:
    # servers allow 100 to 256 streams at once by default.
    streams: int = 1024
    # What is kept of the table of header fields of one direction of HTTP/2, as RFC 7541 counts it;
    # it costs up to four times as much. The default is 4,096, Chromium allows 65,536. Of a larger
    # one the older entries are unknown.
    field_table: int = 256 * 1024
    # What a client may send behind its upgrade request before the answer is seen.
    held: int = 256 * 1024
    # Unfinished heads and what is held, in all connections together.
    held_total: int = 64 * 1024 * 1024
    # Bytes held per direction while frames are looked for behind a hole that took a header: 180
    # full segments. They count in `held_total`, too.
    resync: int = 256 * 1024
    # Bytes looked at, of a conversation whose handshake is not there, before it is let go: a
    # message of a megabyte may be going on when the capture begins.
    midstream: int = 1024 * 1024
    # Decompressed bytes of one message; common servers refuse above 1 to 100 MiB.
    message: int = 64 * 1024 * 1024
    # Decompressed : compressed. DEFLATE cannot exceed 1032; text rarely exceeds 50. Checked once
    # the output is above 16 MiB.
    inflate_ratio: int = 500
    # Decoders of permessage-deflate with their windows, of all connections: 40 to 72 kB for each
    # side that keeps its context. Beyond it, messages of further sides are not decompressed.
    windows: int = 512 * 1024 * 1024
    # Masking keys that checks look at, 4 kB for each side with a thousand frames, in all: those of
    # 16,384 busy connections. Beyond it the first 64 of a side are kept.
    masking_keys: int = 64 * 1024 * 1024
    # Payload kept per message for `payload()` and previews when payloads="full".
    payload: int = 16 * 1024 * 1024
    # Payload kept in all.
    payload_total: int = 512 * 1024 * 1024
    # Bytes of IP fragments that wait for the rest of their datagram (Linux: 4 MiB), and datagrams
    # that wait. Some hundred are on their way at a time; beyond it the oldest are given up.
    fragments: int = 4 * 1024 * 1024
    datagrams: int = 4096
    # One record of a capture file; Wireshark's own bound for a packet is 256 KiB.
    packet: int = 64 * 1024 * 1024
    # TLS connections that keep a record, where somebody wants those, some 2 kB each: a row of the
    # table `tls`. Further ones are decrypted all the same.
    tls: int = 512 * 1024
    # Secrets of TLS connections that key logs say, some 400 bytes each: five for each connection of
    # TLS 1.3. Beyond it the oldest are forgotten.
    secrets: int = 1024 * 1024
    # How often private keys are used, in all: some 20 seconds with keys of 2,048 bits. Each that is
    # as long as what was sealed, once for each connection that exchanges keys with RSA.
    rsa: int = 32_768
    # Connections that ended while packets come, some 10 kB each, among which is looked for what
    # concerns several together; then those that end next. A client that reconnects does so at once.
    recent: int = 2048
    # Rows of frames, messages and segments, some 100 bytes each, that an export holds in memory;
    # more of them are sorted in a temporary file.
    rows: int = 4 * 1024 * 1024
    # Packets of one conversation that are held until it shows whether it is WebSocket, with 256
    # bytes for each, where only those are kept: some hundred requests before the upgrade.
    undecided: int = 1024 * 1024
    # The same, of all conversations together.
    undecided_total: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise UsageError(f"limit {limit.name} needs a number of 0 or more, not {value!r}")
