"""Bodies of handshake messages, by hand and of any bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tls.bodies import (
    KeyShare,
    ServerKey,
    Signature,
    Ticket,
    client_key_shares,
    key_count,
    maybe_chain,
    maybe_extensions,
    maybe_server_key,
    maybe_server_key_share,
    maybe_signature,
    maybe_ticket,
)


def vector(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


X25519 = b"\x00\x1d"
SCHEME = b"\x04\x03"


def test_key_shares() -> None:
    both = X25519 + vector(b"k" * 32, 2) + b"\x00\x17" + vector(b"k" * 65, 2)
    assert client_key_shares(vector(both, 2)) == (KeyShare(29, 32), KeyShare(23, 65))
    assert client_key_shares(vector(both[:-1], 2)) == (KeyShare(29, 32),)
    assert client_key_shares(None) == ()
    assert maybe_server_key_share(X25519 + vector(b"k" * 32, 2)) == KeyShare(29, 32)


def test_a_retry_names_a_group_alone() -> None:
    """RFC 8446 §4.2.8: selected_group, and no key."""
    assert maybe_server_key_share(X25519) == KeyShare(29, None)
    assert maybe_server_key_share(b"\x00") is None
    assert maybe_server_key_share(None) is None


def test_pre_shared_keys_are_counted() -> None:
    identity = vector(b"ticket", 2) + bytes(4)
    assert key_count(vector(identity * 3, 2) + vector(b"binders", 2)) == 3
    assert key_count(None) == 0


def test_chains_of_both_versions() -> None:
    old = vector(vector(b"a" * 300, 3) + vector(b"b" * 20, 3), 3)
    assert maybe_chain(old, with_context=False) == (300, 20)
    entry = vector(b"a" * 300, 3) + vector(b"", 2)
    assert maybe_chain(b"\x00" + vector(entry * 2, 3), with_context=True) == (300, 300)
    assert maybe_chain(b"\x00" + vector(b"", 3), with_context=True) == ()
    assert maybe_chain(old[:-1], with_context=False) is None


def test_signatures() -> None:
    assert maybe_signature(SCHEME + vector(b"s" * 71, 2)) == Signature(0x0403, 71)
    assert maybe_signature(SCHEME) is None


def test_keys_of_servers() -> None:
    """RFC 8422 §5.4, RFC 5246 §7.4.3; before TLS 1.2 no scheme is said."""
    curve = b"\x03" + X25519 + vector(b"k" * 32, 1)
    signed = vector(b"s" * 71, 2)
    assert maybe_server_key(curve + SCHEME + signed, elliptic=True, has_scheme=True) == ServerKey(
        29, 32, Signature(0x0403, 71)
    )
    assert maybe_server_key(curve + signed, elliptic=True, has_scheme=False) == ServerKey(
        29, 32, Signature(None, 71)
    )
    assert maybe_server_key(curve, elliptic=True, has_scheme=True) == ServerKey(29, 32, None)
    assert maybe_server_key(b"\x01" + curve[1:], elliptic=True, has_scheme=True) is None
    field = vector(b"p" * 256, 2) + vector(b"\x02", 2) + vector(b"y" * 256, 2)
    assert maybe_server_key(field, elliptic=False, has_scheme=True) == ServerKey(None, 256, None)


def test_tickets_of_both_versions() -> None:
    hour = (3600).to_bytes(4, "big")
    old = hour + vector(b"t" * 192, 2)
    new = hour + bytes(4) + vector(b"nonce", 1) + vector(b"t" * 224, 2) + vector(b"", 2)
    assert maybe_ticket(old, is_tls_1_3=False) == Ticket(3600, 192)
    assert maybe_ticket(new, is_tls_1_3=True) == Ticket(3600, 224)
    assert maybe_ticket(new[:9], is_tls_1_3=True) is None


READERS: tuple[Callable[[bytes], object], ...] = (
    client_key_shares,
    maybe_server_key_share,
    key_count,
    lambda data: maybe_chain(data, with_context=True),
    lambda data: maybe_chain(data, with_context=False),
    maybe_signature,
    lambda data: maybe_server_key(data, elliptic=True, has_scheme=True),
    lambda data: maybe_server_key(data, elliptic=False, has_scheme=False),
    lambda data: maybe_ticket(data, is_tls_1_3=True),
    lambda data: maybe_ticket(data, is_tls_1_3=False),
    maybe_extensions,
)


@pytest.mark.parametrize("reader", READERS)
@given(st.binary(max_size=80))
def test_any_bytes_raise_nothing(reader: Callable[[bytes], object], data: bytes) -> None:
    reader(data)
