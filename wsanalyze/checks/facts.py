"""The facts that checks of one connection look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wsanalyze.checks.bits import Bits
from wsanalyze.checks.coverage import coverage_of
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import asked_for, is_probe
from wsanalyze.checks.pieces import generator_of_pieces
from wsanalyze.checks.prediction import generator_of
from wsanalyze.checks.redaction import cleared, concealed, redacted
from wsanalyze.checks.sites import origin_of
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.checks.tokens import handshake_secrets, secrets_of
from wsanalyze.lazy import lazy
from wsanalyze.observation import Ending, Event, Observation, Side
from wsanalyze.tunnels.way import address_and_port, destination, host_and_port
from wsanalyze.websocket.credentials import is_credential, is_harmless
from wsanalyze.websocket.stream_fields import CONNECTION

if TYPE_CHECKING:
    from wsanalyze.checks.alike import Alike
    from wsanalyze.checks.capture_facts import CaptureFacts
    from wsanalyze.checks.ending import Cut
    from wsanalyze.layers.connection import Connection
    from wsanalyze.websocket.faults import Fault
    from wsanalyze.websocket.handshake import Handshake

# Payload bytes of a frame that may take a second, on a path of half a megabit a second.
LARGE = 65536

OTHER = {"client": "server", "server": "client"}


def ending_name(ending: Ending) -> str:
    """Return what an end is called on the wire: `FIN`, `END_STREAM`, `GOAWAY` and the like."""
    if ending.last is not None:
        return "GOAWAY"
    if ending.stream:
        return "RST_STREAM" if ending.how == "rst" else "END_STREAM"
    return ending.how.upper()


def described(event: Event) -> str:
    """Return what a frame is: `text frame`, `frame of reserved opcode 3`."""
    names = {0: "continuation", 1: "text", 2: "binary", 8: "Close", 9: "Ping", 10: "Pong"}
    name = names.get(event.opcode)
    return f"{name} frame" if name else f"frame of reserved opcode {event.opcode}"


@dataclass
class Facts:
    """One connection attempt: its record, its handshake, and what was noticed of it."""

    connection: Connection
    thresholds: Thresholds = field(default_factory=Thresholds)
    show_secrets: bool = False
    # What was noticed; an empty one where nothing was, as before a session began.
    observation: Observation = field(init=False)
    # The opening handshake; None for a connection seen from the middle.
    handshake: Handshake | None = field(init=False)
    # Whether frames are read: a success response came, or the beginning was not seen.
    established: bool = field(init=False)
    # What is known of handshakes that say the same; none of them has a fault.
    alike: Alike | None = field(init=False, default=None)
    # All connections, where it is one of those that are judged together.
    among: CaptureFacts | None = field(init=False, default=None)
    # How it was cut (see `ending.maybe_cut`), once somebody has asked: () until then.
    cut: Cut | tuple[()] | None = field(init=False, default=())

    def __post_init__(self) -> None:
        """Take what nearly every check asks for."""
        record = self.connection
        observation = record.observation
        self.observation = Observation() if observation is None else observation
        self.handshake = record.handshake
        self.established = record.outcome in ("established", "invalid", "unseen")

    @lazy
    def asked_for(self) -> tuple[str, ...] | None:
        """Who asks, as far as the request says; None for a probe, or where no request was seen."""
        if self.handshake is None or is_probe(self.handshake.request_head):
            return None
        return asked_for(self.handshake.request_head)

    @lazy
    def key_bits(self) -> Bits:
        """The bits of the client's first masking keys."""
        return Bits(self.observation.client.masking_keys)

    def forget(self) -> None:
        """Give up what takes room, and what no check of several connections asks for."""
        for name in ("key_bits", "field_names", "faults"):
            self.__dict__.pop(name, None)

    @lazy
    def key_generator(self) -> str | None:
        """The name of the generator that made the client's masking keys, None for no known one."""
        keys = self.observation.client.masking_keys
        return generator_of(keys) or generator_of_pieces(keys)

    @lazy
    def faults(self) -> dict[str, list[Fault]]:
        """What is wrong with the handshake, by code."""
        found: dict[str, list[Fault]] = {}
        handshake = self.handshake
        if self.alike is not None or handshake is None or not self.has_request:
            return found
        if not handshake.is_spotless:
            for fault in handshake.faults:
                found.setdefault(fault.code, []).append(fault)
        return found

    @lazy
    def field_names(self) -> frozenset[str]:
        """The names of the header fields of both heads, in lower case; `?` for a parameter."""
        handshake = self.handshake
        if handshake is None:
            return frozenset()
        back = handshake.response_head
        parameter = ("?",) if "=" in (handshake.target or "") else ()
        names = () if back is None else back.names
        return frozenset((*handshake.request_head.names, *names, *parameter))

    @lazy
    def origin(self) -> re.Match[str] | None:
        """The Origin taken apart: scheme, name, port; None where it is none of a site."""
        return origin_of(self.handshake.origin or "") if self.handshake is not None else None

    @lazy
    def closes(self) -> tuple[Event, ...]:
        """The first Close of each end, where it is RFC 6455's and no guess behind a hole."""
        if not self.has_standard_frames:
            return ()
        both = (self.observation.client.close, self.observation.server.close)
        return tuple(close for close in both if close is not None and close.certain)

    @lazy
    def endpoint(self) -> str:
        """Who was asked, as address and port; through a tunnel, where it leads and the proxy."""
        if self.alike is not None:
            return self.alike.endpoint
        record = self.connection
        there = address_and_port(record.server_ip, record.server_port)
        asked = destination(record.tunnel)
        return there if asked is None else f"{asked or 'an unknown host'} through {there}"

    @property
    def server_name(self) -> str:
        """The address of the server; through a tunnel, the host that was asked for."""
        asked = destination(self.connection.tunnel)
        return self.connection.server_ip if asked is None else host_and_port(asked)[0].strip("[]")

    @property
    def server_port(self) -> int | None:
        """The port of the server; through a tunnel, the one that was asked for."""
        asked = destination(self.connection.tunnel)
        return self.connection.server_port if asked is None else host_and_port(asked)[1]

    @property
    def multiplexed(self) -> bool:
        """Whether it is a stream of HTTP/2, among others on one TCP connection."""
        return self.connection.http_stream is not None

    @property
    def speaks_for_tcp(self) -> bool:
        """Whether what concerns the TCP connection as a whole is to be said here, once."""
        stream = self.observation.stream
        return stream is None or stream.shared.streams[:1] in ([], [stream.number])

    @property
    def success(self) -> str:
        """The status that accepts the request."""
        return "2xx" if self.multiplexed else "101"

    @property
    def has_request(self) -> bool:
        """Whether the request was captured: without it a response cannot be judged."""
        return self.connection.request_packet is not None

    @lazy
    def has_standard_frames(self) -> bool:
        """Whether frames are those of RFC 6455 (and of HyBi drafts 7 on)."""
        return self.handshake is None or self.handshake.framing in ("rfc6455", None)

    def side(self, sender: str) -> Side:
        """Return what was noticed of the client or the server."""
        return self.observation.side(sender)

    def events(self, kind: str) -> list[Event]:
        """Return the events of a kind that are kept."""
        return self.observation.of(kind)

    def whole(self, sender: str) -> bool:
        """Whether the capture has every byte that `sender` sent from its first frame to its end.

        Where it has not, nothing that is missing is anybody's fault.
        """
        return self._whole[sender == "server"]

    def end_missing(self, sender: str) -> bool:
        """Whether the last of what `sender` sent is not in the capture, be it its FIN alone."""
        noticed = self.observation
        return noticed.client_end_missing if sender == "client" else noticed.server_end_missing

    @property
    def in_order(self) -> bool:
        """Whether what both ends sent was read in that order: behind a hole it is read late.

        Which may be one of the connection of HTTP/2, in another stream.
        """
        stream = self.observation.stream
        is_whole = self.whole("client") and self.whole("server")
        return is_whole and (stream is None or (stream.shared.whole and not stream.late))

    @lazy
    def _whole(self) -> tuple[bool, bool]:
        record = self.connection
        if record.outcome == "unseen":
            return False, False
        client_misses = record.client_lost_bytes or record.client_unread_bytes
        server_misses = record.server_lost_bytes or record.server_unread_bytes
        return not client_misses, not server_misses

    @property
    def went_unanswered(self) -> bool:
        """Whether no final response came; where bytes of the server are missing, nobody knows."""
        return self.connection.outcome == "unanswered" and self.whole("server")

    @property
    def ended(self) -> bool:
        """Whether the end of the TCP connection is in the capture."""
        return bool(self.observation.endings)

    def ended_itself(self, sender: str) -> bool:
        """Whether an end closed or reset TCP: it sends nothing any more, whatever it owes."""
        return any(each.sender == sender for each in self.observation.endings)

    def may_be_within_a_frame(self, sender: str) -> bool:
        """Whether an end's last frame is so large that what it owed may have waited for its end.

        Nothing can be sent within a frame (RFC 6455 §5.4).
        """
        last = self.side(sender).last
        return last is not None and last.length > LARGE

    @property
    def coverage(self) -> str:
        """What the capture has of the connection, see `coverage_of`."""
        return coverage_of(self.connection)

    def handshake_place(self, sender: str) -> tuple[int | None, int | None]:
        """Return time and packet of the request (`client`) or the response (`server`)."""
        record = self.connection
        if sender == "client":
            return record.requested, record.request_packet
        return record.responded, record.response_packet

    def secret(self, text: str) -> str:
        """Return a secret as it may be shown: its beginning and length, unless all is wanted."""
        return text if self.show_secrets else redacted(text)

    @lazy
    def _secrets(self) -> list[str]:
        """The secrets of the request, where it can be said what they are."""
        return [] if self.handshake is None else secrets_of(self.handshake)

    def without_secrets(self, text: str) -> str:
        """Return words about the handshake with its secrets as they may be shown."""
        if self.show_secrets or not text:
            return text
        return concealed(cleared(text), self._secrets)

    def without_repeated(self, text: str) -> str:
        """Return what an end says without the secrets of the handshake, which it may repeat."""
        if self.show_secrets or self.handshake is None:
            return text
        return concealed(text, handshake_secrets(self.handshake))

    def of_faults(
        self, code: str, *, secret: bool = False, harmless: str = ""
    ) -> Iterator[Finding]:
        """Yield a finding for each fault of the handshake with this code.

        Faults that void nothing have the severity `harmless` (empty: the one of the check).
        """
        for fault in self.faults.get(code, ()):
            time, packet = self.handshake_place(fault.sender)
            is_secret = fault.evidence and (secret or self._may_be_any(fault))
            evidence = (
                self.secret(fault.evidence) if is_secret else self.without_secrets(fault.evidence)
            )
            if fault.field is not None:
                evidence = f"{fault.field}: {evidence}" if evidence else self._empty(fault)
            yield Finding(
                self.without_secrets(fault.message),
                sender=fault.sender,
                time=time,
                packet=packet,
                evidence=evidence or None,
                reference=fault.section,
                severity="" if fault.fatal else harmless,
            )

    def _may_be_any(self, fault: Fault) -> bool:
        """Say whether the value of a field may be a secret: by its name, or where it has no place.

        A stream has no fields about a connection: what is in one nobody has defined.
        """
        name = fault.field or ""
        if self.multiplexed and name in CONNECTION:
            return not is_harmless(fault.evidence)
        return is_credential(name)

    def _empty(self, fault: Fault) -> str:
        """Return what was found of a field that has no value: the empty field, or none."""
        name, handshake = fault.field or "", self.handshake
        if handshake is None:
            return name
        head = handshake.response_head
        if fault.sender == "client" or head is None:
            head = handshake.request_head
        return f"{name}:" if head.count(name.lower()) else f"no {name}"

    def at(
        self,
        event: Event,
        message: str,
        *,
        evidence: str | None = None,
        expected: str | None = None,
        severity: str = "",
        reference: str = "",
    ) -> Finding:
        """Return a finding about the frame of an event.

        Its header is the evidence, unless another is given (`""` for none).
        """
        return Finding(
            message,
            sender=event.sender,
            time=event.time,
            packet=event.packet,
            frame=event.frame,
            evidence=event.header.hex(" ") if evidence is None else evidence or None,
            expected=expected,
            severity=severity,
            reference=reference,
        )

    def once(
        self,
        sender: str,
        message: str,
        *,
        evidence: str | None = None,
        expected: str | None = None,
        severity: str = "",
        reference: str = "",
    ) -> Finding:
        """Return a finding about the request (`client`) or the response (`server`)."""
        time, packet = self.handshake_place(sender)
        return Finding(
            message,
            sender=sender,
            time=time,
            packet=packet,
            evidence=evidence,
            expected=expected,
            severity=severity,
            reference=reference,
        )
