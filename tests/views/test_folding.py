"""What counts as the same, and what is told of those that are: exact."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from views.audits import ACCEPT, MASK, STEERING, declared, finding
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.views.folding import (
    Told,
    also,
    folded,
    ranged,
    said_of_several,
    told_by,
    unfolded,
    without_repetition,
)

KEYED = declared("LEG-06", quotes_samples=True)
TIMED = declared("CTL-08", measures=True)
MORE = declared("XCN-08", instead_of=("HSR-04",))


def sure(_: Finding) -> None:
    """Return that nothing is in doubt."""


def told_of(*findings: Finding) -> Told:
    """Return what is told of findings of which all say the same."""
    groups: dict[int, list[Finding]] = {}
    for each in findings:
        groups.setdefault(each.connection or 0, []).append(each)
    first, *others = folded(list(groups.items()), sure)
    assert not any(each.told for each in others)
    [told] = first.told
    return told


def beside(*findings: Finding, check: Check = ACCEPT, **names: Any) -> list[str]:
    """Return what is told beside the first of findings that say the same."""
    return also(told_of(*findings), check, names.get("captures", {}))


@pytest.mark.parametrize(
    "facts",
    [
        {"message": "the accept value is missing"},
        {"expected": "another"},
        {"severity": "warning"},
        {"reference": "RFC 6455 §4.2"},
        {"check": MASK},
    ],
)
def test_what_is_not_the_same(facts: dict[str, Any]) -> None:
    groups = [(0, [finding()]), (1, [finding(connection=1, **facts)])]
    assert [len(each.told) for each in folded(groups, sure)] == [1, 1]


def test_what_is_in_doubt_is_not_the_same_as_what_is_not() -> None:
    groups = [(0, [finding()]), (1, [finding(connection=1, coverage="gap")])]
    shares = folded(groups, lambda each: "mind" if each.coverage == "gap" else None)
    assert [len(each.told) for each in shares] == [1, 1]


def test_alone_it_has_nothing_beside_it() -> None:
    assert beside(finding()) == []


def test_the_place_is_no_difference() -> None:
    others = [finding(connection=at, packet=90 + at, frame=at, time=at) for at in (9, 2)]
    assert beside(finding(), *others) == [
        "connections 2 (packet 92, frame 2), 9 (packet 99, frame 9)"
    ]
    assert beside(finding(), finding(connection=3, packet=None)) == ["connection 3"]
    assert beside(finding(), finding(packet=8), finding(packet=9, frame=4)) == [
        "packets 8, 9 (frame 4)"
    ]
    assert beside(finding(packet=None), finding(packet=None)) == ["1 more here"]


def test_how_often_and_who_is_said_where_it_differs() -> None:
    more = [finding(connection=4, packet=7, count=2), finding(connection=4, packet=8)]
    assert beside(finding(), *more) == ["connection 4 (packet 7, 3 times)"]
    other = finding(sender="client", packet=7)
    assert beside(finding(), other) == ["packet 7 (of the client)"]


def test_long_lists_are_bounded() -> None:
    others = [finding(connection=at, packet=at) for at in range(1, 1235)]
    [line] = beside(finding(), *others)
    assert line.startswith("connections 1 (packet 1), 2 (packet 2), ")
    assert line.endswith(", 10 (packet 10) and 1,224 more")
    others = [finding(connection=at, packet=at, evidence=f"x{at}") for at in range(1, 8)]
    assert beside(finding(), *others)[-2:] == [
        "connection 5 (packet 5): x5",
        "and 2 more that differ: --all shows them",
    ]


def test_what_differs_is_told() -> None:
    wrong = [
        finding(message="opcode 3 is reserved", evidence="83"),
        finding(message="opcode 11 is reserved", evidence="8b", connection=1, packet=7),
        finding(message="opcode 3 is reserved", evidence="83 84", connection=2, packet=8),
        finding(message="opcode 3 is reserved", evidence="83", connection=3, packet=9),
        finding(message="opcode 11 is reserved", evidence="8b", connection=4, packet=10),
    ]
    assert beside(*wrong) == [
        "connection 3 (packet 9)",
        "connections 1 (packet 7), 4 (packet 10): opcode 11 is reserved; found 8b",
        "connection 2 (packet 8): 83 84",
    ]
    # "Nothing found" would sound as if nothing was wrong there.
    assert beside(finding(), finding(connection=1, evidence=None)) == ["connection 1 (packet 6)"]


def test_what_is_new_in_each_connection_is_not_told_of_each() -> None:
    old = [finding(KEYED, connection=at, evidence=f"Sec-WebSocket-Key1: {at}") for at in (0, 1)]
    assert beside(*old, check=KEYED) == ["connection 1 (packet 6)"]


def test_of_quantities_the_range_is_told() -> None:
    waits = ("72 µs", "708 µs", "1.00 s")
    timed = [
        finding(TIMED, message=f"closed after {wait}, {at} left", connection=at)
        for at, wait in enumerate(waits, 1)
    ]
    assert beside(*timed, check=TIMED) == [
        "connections 2 (packet 6), 3 (packet 6); of all: closed after 72 µs to 1.00 s, 1 to 3 left"
    ]
    assert beside(
        timed[0], finding(TIMED, message=timed[0].message, connection=7), check=TIMED
    ) == ["connection 7 (packet 6)"]


def test_an_address_or_a_place_is_no_quantity() -> None:
    words = "the proxy at {} cut it after {} s"
    timed = [
        finding(TIMED, message=words.format(*each), connection=at)
        for at, each in enumerate(
            [
                ("10.1.0.5:8080", 60),
                ("10.1.0.5:8080", 61),
                ("10.2.0.9:80", 60),
            ]
        )
    ]
    assert beside(*timed, check=TIMED) == [
        "connection 1 (packet 6); of all: the proxy at 10.1.0.5:8080 cut it after 60 to 61 s",
        "connection 2 (packet 6): the proxy at 10.2.0.9:80 cut it after 60 s",
    ]
    six = "at [fe80::1]:80 after {} s"
    assert ranged([six.format(1), six.format(2)]) == six.format("1 to 2")
    for place in ("packet", "stream", "frame", "connection", "port"):
        assert ranged([f"{place} 9 has 1", f"{place} 9 has 3"]) == f"{place} 9 has 1 to 3"


def test_packets_that_differ_are_left_out_of_what_is_said_of_all() -> None:
    words = "closed TCP after {} s; it had ended TLS (close_notify in packet {})"
    timed = [
        finding(TIMED, message=words.format(*each), connection=at)
        for at, each in enumerate([(60, 34), (61, 75), (60, 1034)])
    ]
    assert beside(*timed, check=TIMED) == [
        "connections 1 (packet 6), 2 (packet 6); of all: closed TCP after 60 to 61 s; it had ended "
        "TLS (close_notify)"
    ]
    # Where all are about the same packet, it is named.
    assert beside(timed[0], finding(TIMED, message=words.format(62, 34)), check=TIMED) == [
        "packet 6; of all: closed TCP after 60 to 62 s; it had ended TLS (close_notify in packet "
        "34)"
    ]


def test_ranges() -> None:
    assert ranged(["after 0.448 ms at least", "after 0.291 ms at least"]) == (
        "after 0.291 to 0.448 ms at least"
    )
    assert ranged(["1,024 of 7", "9 of 7"]) == "9 to 1,024 of 7"
    assert ranged(["no number"]) == "no number"


def test_of_long_messages_only_what_differs_is_told_again() -> None:
    words = (
        "a proxy cut it within {} ms, and nobody had said a word for {} seconds before " + "x" * 160
    )
    long = [
        finding(TIMED, message=words.format(*each), connection=at)
        for at, each in enumerate([(4, 60), (7, 60), (5, 60)])
    ]
    assert beside(*long, check=TIMED) == [
        "connections 1 (packet 6), 2 (packet 6); of all: 4 to 7 ms"
    ]


def test_a_finding_of_two_legs_speaks_for_both() -> None:
    """PRX-13 for the CLS-08 of both, and one CLS-08 for the other leg's."""
    cut, both = (
        declared("CLS-08", instead_of=("CLS-08",)),
        declared("PRX-13", instead_of=("CLS-08",)),
    )
    checks = {each.id: each for each in (cut, both)}
    proxy = [finding(both, connection=0, concerns=(0, 1)), finding(cut), finding(cut, connection=1)]
    assert said_of_several(proxy, checks) == {(0, "CLS-08"), (1, "CLS-08")}
    passed_on = [finding(cut, connection=1, concerns=(0, 1)), finding(cut, connection=0)]
    assert said_of_several(passed_on, checks) == {(0, "CLS-08")}
    # What is not told itself says nothing of others.
    forged = declared("PRX-12", instead_of=("CLS-08", "PRX-13"))
    checks[forged.id] = forged
    three = [finding(forged, connection=0, concerns=(0,)), *proxy]
    assert said_of_several(three, checks) == {(0, "CLS-08"), (0, "PRX-13")}


def test_which_finding_says_all_of_another() -> None:
    cut = declared("CLS-08", instead_of=("CLS-08",))
    both = declared("PRX-13", instead_of=("CLS-08",))
    checks = {each.id: each for each in (cut, both, ACCEPT, MORE)}
    proxy = finding(both, connection=0, concerns=(0, 1))
    first = finding(cut, connection=0, concerns=(0, 1))
    second, plain, more = finding(cut, connection=1), finding(), finding(MORE)
    told = told_by([first, second, proxy, plain, more], checks)
    # The first says all of the second, and PRX-13 all of both.
    assert told == {id(first): proxy, id(second): proxy, id(plain): more}
    assert told_by([first, second], checks) == {id(second): first}
    other = finding(cut, connection=1, concerns=(0, 1))
    assert told_by([first, other], checks) == {}


def test_others_name_what_is_told_elsewhere() -> None:
    groups = [
        (4, [finding(), finding(MASK)]),
        (1, [finding(connection=1), finding(MASK, connection=1), finding(MASK, connection=1)]),
    ]
    first, second = folded(groups, sure)
    assert (first.place, len(first.told), first.as_in) == (4, 2, {})
    assert (second.place, second.told, second.as_in) == (1, [], {4: ["HSR-04", "FRM-01"]})
    assert [len(each.told) for each in unfolded(groups)] == [2, 3]


def test_what_another_check_says_with_more_is_not_told_twice() -> None:
    checks = {each.id: each for each in (ACCEPT, MASK, MORE)}
    more = finding(MORE)
    assert without_repetition([finding(), finding(MASK), more], checks) == [finding(MASK), more]
    elsewhere = [finding(packet=7), finding(evidence="other")]
    assert without_repetition([*elsewhere, more], checks) == [*elsewhere, more]


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from((ACCEPT, MASK, TIMED)),
            connection=st.integers(0, 5),
            packet=st.none() | st.integers(1, 9),
            message=st.sampled_from(("after 3 ms", "after 12 µs", "never", "1 # 2", "# 3")),
            evidence=st.none() | st.sampled_from("ab"),
            count=st.integers(1, 3),
        ),
        max_size=30,
    )
)
def test_nothing_is_left_out_and_nothing_told_twice(findings: list[Finding]) -> None:
    groups: dict[int, list[Finding]] = {}
    for each in findings:
        groups.setdefault(each.connection or 0, []).append(each)
    shares = folded(list(groups.items()), sure)
    everything: list[Finding] = []
    for share in shares:
        for told in share.told:
            elsewhere = [each for group in told.elsewhere.values() for each in group]
            assert all(each.connection == share.place for each in (told.finding, *told.here))
            assert all(each.connection != share.place for each in elsewhere)
            everything += [told.finding, *told.here, *elsewhere]
            check = TIMED if told.finding.check == TIMED.id else ACCEPT
            assert bool(also(told, check, {})) == bool(told.here or elsewhere)
    assert sorted(map(repr, everything)) == sorted(map(repr, findings))
    assert [share.place for share in shares] == list(groups)


def test_text_from_strangers_is_escaped() -> None:
    [line] = beside(finding(), finding(connection=1, evidence=STEERING))
    assert line.isprintable()
    assert "\u202e" not in line
