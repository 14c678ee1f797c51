"""What is known of one WebSocket connection attempt: one row of the `connections` table."""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.observation import Observation, ProxyLogin
from wsanalyze.transport.community_id import community_id
from wsanalyze.transport.conflict import Conflict
from wsanalyze.websocket.handshake import Handshake

# What `ended_by` is where no end was seen, by what `Layer.finish` is told.
GIVEN_UP = ("capture-end", "evicted", "idle")


@dataclass(slots=True, eq=False)
class Connection:
    """Facts of one attempt; an attribute that is a column of tables.md has the column's name.

    Times are integer nanoseconds since the epoch. None stands for "not available".
    `serial` is its place in the order of being recognised; the `connection` number of the tables
    is made of `requested_ordinal` (place of the packet in the order of reading).
    """

    serial: int
    requested_ordinal: int
    capture: str
    conversation: int
    tcp_stream: int | None
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    client_direction: int
    scheme: str = "ws"
    http_version: str | None = None
    http_stream: int | None = None
    tunnel: str | None = None
    # The version of TLS that the client spoke to a proxy, which says so in its PROXY header.
    told_tls: str | None = None
    handshake: Handshake | None = None
    outcome: str = "unanswered"
    request_packet: int | None = None
    response_packet: int | None = None
    started: int = 0
    requested: int | None = None
    responded: int | None = None
    ended: int = 0
    ended_ordinal: int = 0
    connect_ms: float | None = None
    ended_by: str | None = GIVEN_UP[0]
    client_frames: int = 0
    server_frames: int = 0
    client_messages: int = 0
    server_messages: int = 0
    client_bytes: int = 0
    server_bytes: int = 0
    client_pings: int = 0
    server_pings: int = 0
    client_pongs: int = 0
    server_pongs: int = 0
    client_unmasked_frames: int = 0
    server_masked_frames: int = 0
    # Text messages that are not valid UTF-8.
    client_invalid_text_messages: int = 0
    server_invalid_text_messages: int = 0
    client_close_code: int | None = None
    client_close_reason: str | None = None
    server_close_code: int | None = None
    server_close_reason: str | None = None
    # Whether the first Close has a code, which is not in the capture or could not be read.
    client_close_code_missing: bool = False
    server_close_code_missing: bool = False
    client_lost_bytes: int = 0
    server_lost_bytes: int = 0
    # Those of them that the snap length cut off.
    client_cut_bytes: int = 0
    server_cut_bytes: int = 0
    client_retransmissions: int = 0
    server_retransmissions: int = 0
    client_out_of_order: int = 0
    server_out_of_order: int = 0
    # Bytes that could not be told apart into frames, after a gap had swallowed a header.
    client_unread_bytes: int = 0
    server_unread_bytes: int = 0
    # Messages that were cut, or could not be decompressed.
    client_incomplete_messages: int = 0
    server_incomplete_messages: int = 0
    # Packets that the capture holds twice.
    client_duplicates: int = 0
    server_duplicates: int = 0
    # How often frames were found again behind such a gap.
    client_resyncs: int = 0
    server_resyncs: int = 0
    # Segments that contradict an earlier one, and where (as far as `Limits.conflicts` goes).
    client_conflicts: int = 0
    server_conflicts: int = 0
    client_contested: tuple[Conflict, ...] = ()
    server_contested: tuple[Conflict, ...] = ()
    # What was noticed beside the counts, for the checks; None where they were not asked for.
    observation: Observation | None = None
    # How many findings concern it, and the worst of them, once it was audited.
    findings: int = 0
    severity: str | None = None
    # What proxies on the way were given in the clear, the outermost first.
    proxy_logins: tuple[ProxyLogin, ...] = ()
    # The TLS connection that it travelled in.
    tls: TlsConnection | None = None
    # What the first RST_STREAM of its stream, or a GOAWAY with an error, names as the reason.
    stream_error: str | None = None
    # Whether its counts are final, but for an answer that comes late.
    over: bool = False

    @property
    def tls_version(self) -> str | None:
        """The version of TLS around it."""
        return self.tls.version if self.tls is not None else None

    @property
    def tls_cipher(self) -> str | None:
        """The cipher suite of the TLS around it."""
        return self.tls.cipher if self.tls is not None else None

    @property
    def sni(self) -> str | None:
        """The host that the client asked TLS for."""
        return self.tls.sni if self.tls is not None else None

    @property
    def alpn(self) -> str | None:
        """The protocol that was negotiated in TLS."""
        return self.tls.alpn if self.tls is not None else None

    @property
    def sealed(self) -> tuple[str, ...]:
        """Who sent within TLS what no key opened: `client`, `server`."""
        if self.tls is None:
            return ()
        lengths = (("client", self.tls.client_sealed), ("server", self.tls.server_sealed))
        return tuple(sender for sender, length in lengths if length)

    @property
    def sealed_head(self) -> str | None:
        """The head of the handshake that is among what was sealed: `request` or `answer`.

        Where the capture has the TLS connection from its hellos on; an answer may be missing.
        """
        if self.tls is None or self.tls.hello_at is None:
            return None
        if self.outcome == "unseen" and self.request_packet is None and "client" in self.sealed:
            return "request"
        missing = self.outcome in ("unseen", "unanswered") and self.response_packet is None
        return "answer" if missing and "server" in self.sealed else None

    @property
    def community_id(self) -> str:
        """The Community ID of the TCP conversation."""
        client = (self.client_ip, self.client_port)
        return community_id(client, (self.server_ip, self.server_port))
