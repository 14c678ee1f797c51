"""TLS behind what is not in the capture: keys that one record tells, and how much is missing."""

from __future__ import annotations

from wsanalyze.layers.tls_blind import IN_HANDSHAKE, RECORDS
from wsanalyze.layers.tls_handshake import TlsHandshake
from wsanalyze.layers.tls_sender import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER,
    MOST_MISSED,
    TlsSender,
)
from wsanalyze.tls.messages import CERTIFICATE, CLIENT_KEY_EXCHANGE

# How a client goes on behind a ServerHello, RFC 5246 §7.3.
CLIENT_GOES_ON = (bytes((CERTIFICATE,)), bytes((CLIENT_KEY_EXCHANGE,)))


def recover(handshake: TlsHandshake, sender: TlsSender, header: bytes, body: bytes) -> bool:
    """Find secrets for a record where hellos are missing; say whether there are some."""
    if not handshake.misses_hello or sender.tried_blind >= RECORDS:
        return False
    if header[0] != APPLICATION_DATA and not handshake.misses_random:
        return False
    if waits_for_server(handshake, sender, header):
        return False
    sender.tried_blind += 1
    found = handshake.find(sender.side, sender.missed, header, body)
    if found is None:
        return False
    if not handshake.is_tls_1_3:
        go_on_ciphered(handshake, sender, found.sequence)
        return True
    for each in handshake.senders:
        epochs = handshake.epochs(each.side)
        if is_whole(handshake, each):
            each.begin_epochs(epochs)
            continue
        if found.is_application:
            epochs = [epoch for epoch in epochs if epoch.is_application]
        each.begin_epochs(epochs)
        # How many records of it were sent before, the tag tells.
        each.missed = MOST_MISSED if found.is_application else max(each.missed, IN_HANDSHAKE)
    sender.sequence, sender.missed, sender.leap = found.sequence, 0, -1
    return True


def waits_for_server(handshake: TlsHandshake, sender: TlsSender, header: bytes) -> bool:
    """Say whether a record is a client's that only what the server says may tell the keys of.

    The client's first records may be 0-RTT data.
    """
    if header[0] != APPLICATION_DATA or not handshake.misses_hello:
        return False
    return handshake.client is not None and not handshake.is_server(sender.side)


def is_whole(handshake: TlsHandshake, sender: TlsSender) -> bool:
    """Say whether all that a client sent is there, from its hello on: its Finished comes next."""
    is_client = handshake.client is not None and not handshake.is_server(sender.side)
    return is_client and not (sender.torn or sender.seeking)


def go_on_ciphered(handshake: TlsHandshake, found: TlsSender, sequence: int) -> None:
    """Go on in both directions with keys that one record has told, RFC 5246 §6.3."""
    handshake.resumes(handshake.senders[1 - handshake.client_side].has_certificate)
    for sender in handshake.senders:
        if sender is found:
            sender.begin_agreed(len(sender.agreed) - 1)
        elif sender.opener is None and (sender.ciphered or sender.seeking):
            sender.begin_agreed()
    found.sequence, found.missed, found.leap, found.tried_blind = sequence, 0, sequence, 0


def maybe_content(
    handshake: TlsHandshake, sender: TlsSender, header: bytes, body: bytes | memoryview
) -> bytes | None:
    """Open a record, with keys of a renegotiation whose hello is missing where need be."""
    content = sender.open(header, body)
    if content is None and handshake.misses_random:
        sealed = bytes(body)
        if recover(handshake, sender, header, sealed):
            content = sender.open(header, sealed)
    return content


def missing_before(handshake: TlsHandshake, sender: TlsSender, kind: int, content: bytes) -> int:
    """Return how many bytes are missing inside before a record, as `found_again` has them."""
    is_server = handshake.is_server(sender.side)
    missing = sender.found_again(early=handshake.may_have_early and not is_server)
    if sender.skipped != 1 or sender.greeted or is_server:
        return missing
    follows = kind == HANDSHAKE and content[:1] in CLIENT_GOES_ON
    if not handshake.is_tls_1_3 and (follows or kind == CHANGE_CIPHER_SPEC):
        # The one record that is missing was the hello of a renegotiation.
        return 0
    return missing


def pass_over(handshake: TlsHandshake, sender: TlsSender, length: int) -> bool:
    """Pass over a record that does not authenticate; say whether that is enough of them."""
    handshake.facts.bad_records += 1
    sender.miss(HEADER + length)
    sender.passed += 1
    sender.sealed += HEADER + length
    if sender.misfits:
        # What is within must not miss what is here.
        sender.untold += HEADER + length
        sender.told += HEADER + length
    if sender.is_tired:
        give_up(handshake, sender)
        return True
    return False


def give_up(handshake: TlsHandshake, sender: TlsSender) -> None:
    """Say why no more records of a side are tried."""
    if handshake.facts.decrypted:
        # Without the hellos of a renegotiation it is no wonder.
        handshake.goes_on = True
        if handshake.is_decided and not (sender.finished and sender.sequence == 0):
            handshake.say("from some record on none authenticates")
