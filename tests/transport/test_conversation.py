"""A conversation's ends and beginnings, as the transport makes it from packets."""

from __future__ import annotations

import pytest
from support.layers import watch
from support.packets import ACK, CLIENT, FIN, RST, SECOND, SERVER, SYN, T0, segment

from wsanalyze.transport.conversation import Conversation

HIGHER = ("203.0.113.9", 40000)
V6, V6_HIGHER = ("2001:db8::1", 40000), ("2001:db8:1::", 80)

# In place of a time.
UNSEEN = (1 << 63) - 1


@pytest.mark.parametrize(
    ("source", "target", "low", "high"),
    [
        (CLIENT, SERVER, CLIENT, SERVER),
        (HIGHER, SERVER, SERVER, HIGHER),
        (V6, V6_HIGHER, V6, V6_HIGHER),
        (V6_HIGHER, V6, V6, V6_HIGHER),
        # Equal addresses: the ports decide. The low half of an IPv6 address counts after the high.
        (("127.0.0.1", 9), ("127.0.0.1", 8), ("127.0.0.1", 8), ("127.0.0.1", 9)),
        (("::1", 65535), ("::1", 1), ("::1", 1), ("::1", 65535)),
        (("1::", 1), ("::ffff:ffff:ffff:ffff", 1), ("::ffff:ffff:ffff:ffff", 1), ("1::", 1)),
        (("ffff::", 1), ("7fff::", 1), ("7fff::", 1), ("ffff::", 1)),
        (("255.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 2), ("255.0.0.1", 1)),
    ],
)
def test_the_low_end_has_the_smaller_address_and_port(
    source: tuple[str, int], target: tuple[str, int], low: tuple[str, int], high: tuple[str, int]
) -> None:
    tap = watch(
        [segment(source, target, 1, 1, data=b"a"), segment(target, source, 1, 2, data=b"b")]
    )
    (conversation,) = tap.left
    assert (conversation.endpoint(0), conversation.endpoint(1)) == (low, high)
    first = 0 if source == low else 1
    said = [("data", first, b"a", 1), ("data", 1 - first, b"b", 2), ("finish", 0)]
    assert tap.calls == said
    assert conversation.family == (6 if ":" in low[0] else 4)


def test_both_ends_the_same() -> None:
    end = ("127.0.0.1", 5000)
    tap = watch([segment(end, end, 1, data=b"a")])
    assert (tap.left[0].endpoint(0), tap.left[0].endpoint(1)) == (end, end)


@pytest.mark.parametrize("swap", [False, True])
def test_times_of_the_beginning_and_the_end(swap: bool) -> None:
    one, other = (SERVER, CLIENT) if swap else (CLIENT, SERVER)
    tap = watch(
        [
            segment(one, other, 1, flags=SYN),
            segment(one, other, 1, flags=SYN),
            segment(other, one, 9, 2, flags=SYN | ACK),
            segment(other, one, 9, 2, flags=SYN | ACK),
            segment(one, other, 2, 10, flags=ACK),
        ]
    )
    (conversation,) = tap.left
    assert conversation.first_time == conversation.syn_time == T0 + SECOND
    assert conversation.answer_time == T0 + 3 * SECOND
    assert conversation.last_time == T0 + 5 * SECOND
    assert (conversation.last_packet, conversation.last_ordinal) == (5, 5)
    assert conversation.opened_by == (1 if swap else 0)
    assert conversation.layer is None


@pytest.mark.parametrize(
    ("packets", "opened_by", "syn", "answer"),
    [
        ([segment(CLIENT, SERVER, 1, flags=ACK, data=b"a")], -1, UNSEEN, UNSEEN),
        ([segment(SERVER, CLIENT, 1, flags=SYN | ACK)], 0, UNSEEN, T0 + SECOND),
        ([segment(SERVER, CLIENT, 1, flags=SYN)], 1, T0 + SECOND, UNSEEN),
    ],
)
def test_who_opened_it(packets: list[bytes], opened_by: int, syn: int, answer: int) -> None:
    (conversation,) = watch(packets).left
    assert conversation.opened_by == opened_by
    assert (conversation.syn_time, conversation.answer_time) == (syn, answer)


@pytest.mark.parametrize(
    ("flags", "closing"),
    [([ACK], 0), ([FIN | ACK], 1), ([RST], 4), ([FIN | ACK, RST], 5)],
)
def test_closing(flags: list[int], closing: int) -> None:
    packets = [segment(CLIENT, SERVER, 1, data=b"a")]
    packets += [segment(CLIENT, SERVER, 2, flags=each) for each in flags]
    assert watch(packets).left[0].closing == closing
    # It is known of those that nobody reads, too.
    assert watch(packets, enough=bool).left[0].closing == closing


def test_direction() -> None:
    conversation = Conversation()
    assert conversation.direction(0) is conversation.low
    assert conversation.direction(1) is conversation.high
