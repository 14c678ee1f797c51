"""Sessions before TLS 1.3 that were seen: who resumes one, makes keys of the same master secret.

By session ID (RFC 5246 §7.4.1.2) or ticket (RFC 5077 §3.2). A private key opens no connection that
resumes a session, but may have opened the one that began it.
"""

from __future__ import annotations

from collections import deque

from wsanalyze.tls.choice import Candidates
from wsanalyze.tls.hellos import Offer, ServerHello, ticket_name

# Lifetime and length before a ticket, RFC 5077 §3.3.
TICKET_BEGINS = 6


# Sessions of one name that are remembered: no server gives two the same, but a capture may say so.
MOST_NAMED = 4


class Sessions:
    """The master secrets that a session may have, by what names it: the last so many names."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.masters: dict[bytes, tuple[Candidates, ...]] = {}
        self._oldest: deque[bytes] = deque()

    def begun(self, server: ServerHello, masters: Candidates) -> None:
        """Remember a session by the ID that its server gave it."""
        if server.session_id:
            self._learn(server.session_id, masters)

    def ticket(self, body: bytes, masters: Candidates) -> None:
        """Remember a session by the ticket in a NewSessionTicket."""
        if len(body) > TICKET_BEGINS:
            self._learn(ticket_name(body[TICKET_BEGINS:]), masters)

    def _learn(self, name: bytes, masters: Candidates) -> None:
        if not masters.secrets:
            return
        before = self.masters.get(name, ())
        if not before:
            self._oldest.append(name)
        if masters not in before:
            self.masters[name] = (masters, *before)[:MOST_NAMED]
        if len(self._oldest) > self.most:
            del self.masters[self._oldest.popleft()]

    def of(self, client: Offer, server: ServerHello) -> tuple[bytes, ...]:
        """Return the master secrets that the session which a client would resume may have."""
        found = self.masters.get(client.ticket, ()) if client.ticket else ()
        if client.session_id and client.session_id == server.session_id:
            found += self.masters.get(client.session_id, ())
        proven = sorted(found, key=lambda each: not each.is_proven)
        return tuple(secret for each in proven for secret in each.secrets)
