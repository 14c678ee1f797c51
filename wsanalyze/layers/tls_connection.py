"""What is known of one TLS connection: one row of the `tls` table."""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.transport.community_id import community_id


@dataclass(slots=True)
class TlsConnection:
    """Facts of one TLS connection; an attribute that is a column of tables.md has its name.

    Times are integer nanoseconds since the epoch. None stands for "not available": not seen, or
    encrypted with secrets that are not known.
    """

    conversation: int
    tcp_stream: int | None
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    started: int
    version: str | None = None
    cipher: str | None = None
    sni: str | None = None
    alpn: str | None = None
    resumed: bool | None = None
    client_random: str | None = None
    server_random: str | None = None
    ja3: str | None = None
    ja4: str | None = None
    certificate_subject: str | None = None
    certificate_issuer: str | None = None
    not_before: int | None = None
    not_after: int | None = None
    decrypted: bool = False
    reason: str | None = None
    # What in the server's choice the client did not offer.
    disagreements: tuple[str, ...] = ()
    # The protocols that the client offered.
    alpn_offered: tuple[str, ...] = ()
    # Who sent the first close_notify: `client` or `server`; the first other alert, by its number.
    closed_by: str | None = None
    alert: int | None = None
    # Who sent that alert; time and packet of both, of the ServerHello and of the certificate.
    alert_by: str | None = None
    closed_at: tuple[int, int] | None = None
    alert_at: tuple[int, int] | None = None
    hello_at: tuple[int, int] | None = None
    certificate_at: tuple[int, int] | None = None
    # Who sent a close_notify: `client`, `server`.
    notified: tuple[str, ...] = ()
    # Records that were opened, and those that did not authenticate; `forged` are those of them
    # whose keys and sequence numbers were known for sure, and `first_forged` sender, time and
    # packet of the first.
    records: int = 0
    bad_records: int = 0
    forged: int = 0
    first_forged: tuple[str, int, int] | None = None
    # Bytes of records of each end, with their headers, that no key opened although they held
    # something; who sent such for which no secret is known: `client`, `server`.
    client_sealed: int = 0
    server_sealed: int = 0
    keyless: tuple[str, ...] = ()

    @property
    def community_id(self) -> str:
        """The Community ID of the TCP conversation."""
        client = (self.client_ip, self.client_port)
        return community_id(client, (self.server_ip, self.server_port))
