"""Sessions before TLS 1.3 that were seen: who resumes one, makes keys of the same master secret.

By session ID (RFC 5246 §7.4.1.2) or ticket (RFC 5077 §3.2). A private key opens no connection that
resumes a session, but may have opened the one that began it.
"""

from __future__ import annotations

import hashlib
from collections import deque

from wsanalyze.tls.hellos import ClientHello, ServerHello

# Lifetime and length before a ticket, RFC 5077 §3.3.
TICKET_BEGINS = 6


class Sessions:
    """Master secrets by what names them, the last so many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.masters: dict[bytes, bytes] = {}
        self._oldest: deque[bytes] = deque()

    def begun(self, server: ServerHello, master: bytes) -> None:
        """Remember a session by the ID that its server gave it."""
        if server.session_id:
            self._learn(server.session_id, master)

    def ticket(self, body: bytes, master: bytes) -> None:
        """Remember a session by the ticket in a NewSessionTicket."""
        if len(body) > TICKET_BEGINS:
            self._learn(_name(body[TICKET_BEGINS:]), master)

    def _learn(self, name: bytes, master: bytes) -> None:
        if not master:
            return
        if name not in self.masters:
            self._oldest.append(name)
        self.masters[name] = master
        if len(self._oldest) > self.most:
            del self.masters[self._oldest.popleft()]

    def of(self, client: ClientHello, server: ServerHello) -> bytes:
        """Return the master secret of the session that a client would resume, b"" for none."""
        found = self.masters.get(_name(client.ticket)) if client.ticket else None
        if found is None and client.session_id and client.session_id == server.session_id:
            found = self.masters.get(client.session_id)
        return found or b""


def _name(ticket: bytes) -> bytes:
    return hashlib.sha256(ticket).digest() + b"ticket"
