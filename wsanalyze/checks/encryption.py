"""TLS (TLS) around WebSocket: versions, cipher suites, certificates, names; interception (PRX-19).

What stayed closed has no connection that these could be about: TRN-10 counts it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.ending import maybe_cut
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.websocket.faults import shown

_TAGS = ("security", "tls")
DAY = 86_400_000_000_000

OLD_VERSIONS = ("SSL 3.0", "TLS 1.0", "TLS 1.1")
# RFC 9325 §4.1: no encryption, no authentication, export keys, RC4, and ciphers of 64-bit blocks.
BROKEN = re.compile(r"NULL|EXPORT|_anon_|RC4|RC2|3DES|_DES|IDEA|MD5")
# RFC 9325 §4.1: keys are exchanged without forward secrecy.
STATIC_KEYS = re.compile(r"TLS_(RSA|ECDH_\w+|DH_\w+)_WITH_")

# How products that open TLS on its way sign what they make: in the names of their authorities.
INSPECTORS = re.compile(
    r"\b(?:Zscaler|"
    r"Netskope|Fortinet|FortiGate|Palo Alto Networks|Blue ?Coat|ProxySG|Sophos|WatchGuard|"
    r"Barracuda|Check Point|Cisco Umbrella|Cisco Secure|McAfee Web Gateway|Skyhigh|Forcepoint|"
    r"SonicWall|Untangle|Smoothwall|Securly|Lightspeed|iboss|Kaspersky|ESET SSL|Avast|AVG\b|"
    r"Bitdefender|Dr\.?Web|AdGuard|mitmproxy|PortSwigger|Charles Proxy|DO_NOT_TRUST|Fiddler|"
    r"ZAP Root CA|OWASP)",
    re.IGNORECASE,
)
HOST = re.compile(r"\[[^\]]*\]|[^:]*")


def _told_here(facts: Facts) -> TlsConnection | None:
    """Return the TLS connection; of streams of HTTP/2 in it the first alone has it."""
    return facts.connection.tls if facts.speaks_for_tcp else None


def _of_server(
    facts: Facts,
    message: str,
    evidence: str,
    severity: str = "",
    at: tuple[int, int] | None = None,
) -> Finding:
    """Return a finding about the ServerHello, or another message of the server `at` a place."""
    tls = facts.connection.tls
    place = at or (tls.hello_at if tls is not None else None)
    time, packet = place or (None, None)
    return Finding(
        message,
        sender="server",
        time=time,
        packet=packet,
        evidence=evidence[:200],
        severity=severity,
    )


@check(
    "TLS-01",
    "old-tls-version",
    "A version of TLS that must not be used any more",
    severity="warning",
    tags=_TAGS,
    references=("RFC 8996", "RFC 7568"),
    explanation=(
        "TLS 1.0 and 1.1 rest on MD5 and SHA-1 and have known weaknesses; browsers have given them "
        "up in 2020. SSL 3.0 can be decrypted by somebody on the way (POODLE)."
    ),
    advice="Let the server offer TLS 1.2 and 1.3 only.",
    example="wss-suites.pcapng /tls-1.0",
    circumstances=("tls",),
)
def old_version(facts: Facts) -> Iterator[Finding]:
    """TLS-01."""
    tls = _told_here(facts)
    version = None if tls is None else tls.version
    if version in OLD_VERSIONS:
        yield _of_server(facts, f"both ends speak {version}", version)


@check(
    "TLS-02",
    "weak-cipher-suite",
    "A cipher suite that does not protect as it should",
    severity="warning",
    tags=_TAGS,
    references=("RFC 9325 §4.1", "RFC 9325 §4.2"),
    explanation=(
        "RC4, 3DES and export ciphers can be broken, NULL does not encrypt, anonymous suites do "
        "not say who is at the other end. Where the client sends its secret encrypted with the "
        "server's RSA key, whoever gets that key later can read all that was recorded: a remark."
    ),
    advice="Offer suites with ECDHE and AES-GCM or ChaCha20-Poly1305.",
    circumstances=("tls",),
)
def weak_suite(facts: Facts) -> Iterator[Finding]:
    """TLS-02."""
    tls = _told_here(facts)
    cipher = None if tls is None else tls.cipher
    if cipher is None:
        return
    if BROKEN.search(cipher):
        yield _of_server(facts, f"the cipher suite {cipher} is weak", cipher)
    elif STATIC_KEYS.match(cipher):
        message = f"the cipher suite {cipher} has no forward secrecy"
        yield _of_server(facts, message, cipher, "info")


@check(
    "TLS-03",
    "certificate-out-of-date",
    "The server's certificate was not valid at the time",
    severity="warning",
    tags=_TAGS,
    references=("RFC 5280 §4.1.2.5",),
    explanation=(
        "A certificate says from when to when it is valid. Browsers refuse it at any other time; a "
        "client that goes on does not check, and may be talking to anybody."
    ),
    advice="Renew the certificate, and let clients refuse what is not valid.",
    scope=CAPTURE,
)
def certificate_out_of_date(facts: CaptureFacts) -> Iterator[Finding]:
    """TLS-03: by the clock of the capture, once for each certificate of a server."""
    yield from _once_each(facts, _out_of_date)


def _out_of_date(tls: TlsConnection, now: int) -> str | None:
    if tls.not_after is not None and now > tls.not_after:
        return f"the certificate had expired {_days(now - tls.not_after)} before"
    if tls.not_before is not None and now < tls.not_before:
        return f"the certificate is valid from {_days(tls.not_before - now)} later on"
    return None


def _once_each(
    facts: CaptureFacts, objection: Callable[[TlsConnection, int], str | None]
) -> Iterator[Finding]:
    """Yield what is objected to a certificate, at the first connection to the server with it.

    The count says how many there are; `objection` is given the time at which each began.
    """
    found: dict[tuple[object, ...], tuple[Facts, Finding]] = {}
    for each in facts.connections:
        tls = each.connection.tls
        if tls is None or _told_here(each) is None:
            continue
        message = objection(tls, each.connection.started)
        if message is None:
            continue
        key, subject = certificate(each, tls), tls.certificate_subject or ""
        if key in found:
            first, finding = found[key]
            found[key] = first, replace(finding, count=finding.count + 1)
        else:
            found[key] = each, _of_server(each, message, subject, at=tls.certificate_at)
    for each, finding in found.values():
        if finding.count > 1:
            # It stands with the first of them alone.
            message = f"{finding.message}; {finding.count:,} connections have this certificate"
            finding = replace(finding, message=message)
        yield facts.about(each, finding)


def certificate(facts: Facts, tls: TlsConnection) -> tuple[object, ...]:
    """Return what tells a server's certificate from others, with whose it is."""
    # Through a proxy the same server has another address on each leg, and one name.
    server = tls.sni or facts.server_name
    subject, issuer = tls.certificate_subject or "", tls.certificate_issuer
    return server, subject, issuer, tls.not_before, tls.not_after


def _days(ns: int) -> str:
    days = ns // DAY
    return {0: "less than a day", 1: "1 day"}.get(days, f"{days} days")


@check(
    "TLS-04",
    "self-signed-certificate",
    "The server signed its certificate itself",
    severity="info",
    tags=_TAGS,
    references=("RFC 5280 §3.2",),
    explanation=(
        "Subject and issuer are the same: no authority vouches for it. A client that takes it "
        "knows it already, as in tests and inside of organisations, or does not check at all."
    ),
    advice="Where strangers connect, use a certificate of an authority that their clients know.",
    scope=CAPTURE,
    example="chat-wss.pcapng /chat?room=1",
)
def self_signed(facts: CaptureFacts) -> Iterator[Finding]:
    """TLS-04: once for each certificate of a server, however many connections it has."""
    yield from _once_each(facts, _signed_itself)


def _signed_itself(tls: TlsConnection, _: int) -> str | None:
    if not tls.certificate_subject or tls.certificate_subject != tls.certificate_issuer:
        return None
    return "the certificate's issuer is its subject: the server signed it itself"


@check(
    "TLS-05",
    "host-is-not-sni",
    "The request is for another host than TLS was asked for",
    severity="warning",
    tags=(*_TAGS, "handshake"),
    references=("RFC 6066 §3", "RFC 9110 §7.4"),
    explanation=(
        "The name in the ClientHello is in the clear, the Host of the request is not. Where they "
        "differ, whoever watches, or filters, sees another name than is reached: domain fronting, "
        "or a client that is misconfigured."
    ),
    advice="Let the server answer 421 to a Host that its certificate and the SNI do not name.",
    circumstances=("sni",),
)
def host_is_not_sni(facts: Facts) -> Iterator[Finding]:
    """TLS-05."""
    sni, handshake = facts.connection.sni, facts.handshake
    if not sni or handshake is None or not handshake.host or not facts.has_request:
        return
    match = HOST.match(handshake.host)
    host = match[0] if match is not None else ""
    if host.lower().rstrip(".") == sni.lower().rstrip("."):
        return
    message = f"TLS was asked for {shown(sni)}, the request for {shown(host)}"
    yield facts.once("client", message, evidence=f"Host: {handshake.host}"[:200])


@check(
    "PRX-19",
    "tls-interception",
    "TLS is opened on its way",
    severity="warning",
    tags=("proxy", *_TAGS),
    references=(),
    explanation=(
        "The certificate's issuer has the name of a product that opens TLS, looks into it and "
        "closes it again: of a company's gateway, a virus scanner, or a tool for debugging. Such "
        "products often do not know WebSocket, and hold back, cut or refuse it."
    ),
    advice="Exempt the host from inspection, or ask who runs the product.",
    circumstances=("tls",),
)
def interception(facts: Facts) -> Iterator[Finding]:
    """PRX-19: by the issuer's name."""
    tls = _told_here(facts)
    if tls is None or not tls.certificate_issuer:
        return
    match = INSPECTORS.search(tls.certificate_issuer)
    if match is not None:
        message = f"the certificate was issued by {shown(match[0])}, which opens TLS"
        yield _of_server(facts, message, tls.certificate_issuer, at=tls.certificate_at)


@check(
    "TLS-06",
    "changed-record",
    "Records of TLS do not authenticate",
    severity="warning",
    tags=_TAGS,
    references=("RFC 8446 §5.2", "RFC 5246 §6.2.3"),
    explanation=(
        "The keys are right, no bytes are missing, and still the tag of a record does not fit: "
        "somebody has changed it, sent it once more, or put it in, or the capture damaged it. "
        "Whoever receives such a record has to end the connection; where it goes on, the capture "
        "does not show what was received. What was in it is a hole in what is inside."
    ),
    advice="Look at the packet, and capture at the other end as well.",
    circumstances=("tls",),
)
def changed_record(facts: Facts) -> Iterator[Finding]:
    """TLS-06: one finding for each connection, at the first such record."""
    tls = _told_here(facts)
    if tls is None or tls.first_forged is None:
        return
    sender, time, packet = tls.first_forged
    records = "a record does" if tls.forged == 1 else f"{tls.forged} records do"
    message = f"{records} not authenticate: changed or forged"
    yield Finding(message, sender=sender, time=time, packet=packet)


@check(
    "TLS-07",
    "no-close-notify",
    "TCP ended under TLS, and nobody has said so in it",
    severity="info",
    tags=(*_TAGS, "close"),
    references=("RFC 8446 §6.1", "RFC 5246 §7.2.1"),
    explanation=(
        "Anybody on the way can end a TCP connection. Therefore each end says in TLS, where nobody "
        "can forge it, that it has nothing more to send. A FIN alone may be anybody's. Programs "
        "that are ended, or throw a socket away, leave it to the system, which knows nothing of "
        "TLS: that is common. Where a session was cut so, CLS-08 says it."
    ),
    advice=(
        "Send a Close, then a close_notify, before the socket is closed; treat what ends without "
        "either as cut."
    ),
    circumstances=("tls",),
)
def no_close_notify(facts: Facts) -> Iterator[Finding]:
    """TLS-07: where all that was sent could be read, and CLS-08 does not tell of it."""
    tls, record = _told_here(facts), facts.connection
    if tls is None or not tls.decrypted or tls.reason is not None or record.http_stream is not None:
        return
    role, _, how = (record.ended_by or "").partition("-")
    if how != "fin" or role in tls.notified or tls.alert is not None:
        return
    cut = maybe_cut(facts)
    if cut is not None:
        return
    if facts.whole(role):
        end = next((each for each in facts.observation.endings if each.sender == role), None)
        yield Finding(
            f"the {role} closed TCP without a close_notify",
            sender=role,
            time=None if end is None else end.time,
            packet=None if end is None else end.packet,
            evidence=None if end is None else end.how.upper(),
            expected="a close_notify first",
        )


@check(
    "TLS-08",
    "impossible-choice",
    "The server chose what it cannot have chosen from what the client offered",
    severity="warning",
    tags=(*_TAGS, "proxy"),
    references=("RFC 8446 §4.1.3", "RFC 7301 §3.2"),
    explanation=(
        "A server chooses from the versions, cipher suites and protocols of the ClientHello; one "
        "that speaks TLS 1.3 and is asked for less says so at the end of its random. Where the "
        "client had offered TLS 1.3, or what was chosen is not in its list, somebody between them "
        "has changed a hello, or one of both ends is broken. Clients have to give up then."
    ),
    advice="Compare the ClientHello as captured at both ends; look for a device that opens TLS.",
    circumstances=("tls",),
)
def impossible_choice(facts: Facts) -> Iterator[Finding]:
    """TLS-08."""
    tls = _told_here(facts)
    for disagreement in () if tls is None else tls.disagreements:
        yield _of_server(facts, disagreement, "")


@check(
    "TLS-09",
    "sealed-side",
    "A part of what was said within TLS could not be decrypted",
    severity="info",
    tags=(*_TAGS, "capture"),
    references=("RFC 8446 §7.1",),
    explanation=(
        "In TLS 1.3 each end has secrets of its own, for the handshake and for what follows. "
        "Where the key log has those of one end, only that end can be read; where one is wrong, "
        "or bytes are missing behind which the keys changed, its records do not open. What was in "
        "them is not known, and checks are silent about it: it is no fault of either end. Bytes "
        "are those of the records, with their headers: the same in a file, a stream and live."
    ),
    advice=(
        "Give the whole key log: a line CLIENT_TRAFFIC_SECRET_0 and a line SERVER_TRAFFIC_SECRET_0 "
        "for each client random."
    ),
    circumstances=("tls",),
)
def sealed_side(facts: Facts) -> Iterator[Finding]:
    """TLS-09: one finding for each end; records that were changed are TLS-06's."""
    tls = _told_here(facts)
    if tls is None or not tls.decrypted:
        return
    changed_by = None if tls.first_forged is None else tls.first_forged[0]
    for sender, length in (("client", tls.client_sealed), ("server", tls.server_sealed)):
        if not length or sender == changed_by:
            continue
        them = "it" if length == 1 else "them"
        why = f"no key that is known opens {them}"
        if sender in tls.keyless:
            why = f"there is no secret for {them}"
        were = "1 byte of the {0} was" if length == 1 else f"{length} bytes of the {{0}} were"
        message = f"{were.format(sender)} not decrypted: {why}"
        yield Finding(message, sender=sender, coverage="gap")
