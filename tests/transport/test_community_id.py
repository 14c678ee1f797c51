"""The Community ID of TCP conversations, against the published baseline and tshark."""

from __future__ import annotations

import pytest

from wsanalyze.transport.community_id import community_id

End = tuple[str, int]

# From github.com/corelight/community-id-spec, baseline for its tcp and ipv6 captures.
BASELINE = [
    (("128.232.110.120", 34855), ("66.35.250.204", 80), 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (("128.232.110.120", 34855), ("66.35.250.204", 80), 1, "1:3V71V58M3Ksw/yuFALMcW0LAHvc="),
    (
        ("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943),
        ("2607:f8b0:400c:c03::1a", 25),
        0,
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
    ),
]


@pytest.mark.parametrize(("first", "second", "seed", "expected"), BASELINE)
def test_baseline_of_the_specification(first: End, second: End, seed: int, expected: str) -> None:
    assert community_id(first, second, seed=seed) == expected
    assert community_id(second, first, seed=seed) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # Equal addresses: the ports decide.
        (("127.0.0.1", 1), ("127.0.0.1", 2)),
        (("::1", 65535), ("::1", 0)),
        # Addresses are compared as numbers, not as text: 9 < 10.
        (("9.0.0.1", 5), ("10.0.0.1", 4)),
        # The port is not looked at where the addresses differ.
        (("10.0.0.1", 65535), ("10.0.0.2", 1)),
    ],
)
def test_order_of_the_ends_makes_no_difference(first: End, second: End) -> None:
    assert community_id(first, second) == community_id(second, first)


def test_one_address_written_in_two_ways_is_one() -> None:
    long, other = ("0:0:0:0:0:0:0:1", 80), ("::2", 81)
    assert community_id(("::1", 80), other) == community_id(long, other)
