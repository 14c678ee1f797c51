"""TLS of which a side stays closed: no key opens what it sends, and the other side is read on."""

from __future__ import annotations

from wsanalyze.layers.tls_handshake import TlsHandshake
from wsanalyze.layers.tls_sender import HEADER, TlsSender
from wsanalyze.layers.tls_steps import still_sealed


def has_no_key(handshake: TlsHandshake, sender: TlsSender) -> bool:
    """Say whether no secret is known for what a side sends from here on, whatever it is."""
    if not (handshake.is_decided and handshake.is_tls_1_3) or handshake.is_closed:
        return False
    return sender.opener is None and not sender.epochs


def shut(handshake: TlsHandshake, sender: TlsSender) -> bool:
    """Look at nothing more of a side; say whether neither is to be read any more."""
    keyless = has_no_key(handshake, sender)
    handshake.stays_sealed(sender.side, sender.sealed)
    sender.untold += sender.lost - sender.told
    sender.sealed = sender.told = 0
    sender.close(keyless=keyless)
    return handshake.senders[1 - sender.side].opener is None


def seal(handshake: TlsHandshake, sender: TlsSender, length: int) -> None:
    """Count bytes of a side that is shut: what they held, nobody here knows."""
    if length == 0:
        return
    if not handshake.is_server(sender.side):
        still_sealed(handshake, sender.side, length - HEADER)
    if sender.keyless:
        handshake.lacks_key(sender.side)
    sender.untold += length
    handshake.stays_sealed(sender.side, length)


def opened_again(handshake: TlsHandshake, sender: TlsSender, missing: int) -> int:
    """Count records that did not open before one that did, where they held something.

    Return what of the bytes that are `missing` the layer within was not told of yet.
    """
    sealed, sender.sealed = sender.sealed, 0
    told, sender.told = sender.told, 0
    if missing:
        handshake.stays_sealed(sender.side, sealed)
    else:
        # Those were of nobody: what is within need not hear of them, if it has not yet.
        sender.untold = max(sender.untold - told, 0)
    return min(told - abs(missing), 0) if told else missing


def missing_at_end(handshake: TlsHandshake, sender: TlsSender) -> int:
    """Return how many bytes of a side are missing at its end, which no record tells of any more.

    At most so many are of the layer within, which was not told of them yet. Behind a close_notify
    there are none.
    """
    missing = max(sender.lost - sender.told, 0)
    sender.told += missing
    return 0 if handshake.role(sender.side) in handshake.facts.notified else missing


def settle(handshake: TlsHandshake) -> None:
    """Count the records that did not open at the end of what each side said."""
    for sender in handshake.senders:
        if handshake.role(sender.side) not in handshake.facts.notified:
            handshake.stays_sealed(sender.side, sender.sealed)
        sender.sealed = 0
