"""Who cut which connections: a connection is named once, by what tells most."""

from __future__ import annotations

from dataclasses import replace

from wsanalyze.checks.finding import Finding
from wsanalyze.checks.who_cut import CutGroup, who_cut

IDLE = "2 connections were closed after 60.0 s idle"
PROXY = "the proxy at 192.0.2.1:80 ended both its legs"
SERVER = "the server at 192.0.2.1:80 reset TCP (RST)"


def finding(check: str, place: int, cause: str, *concerns: int) -> Finding:
    return Finding("said", check=check, connection=place, cause=cause, concerns=concerns)


def test_the_same_cause_is_one_group_and_the_most_come_first() -> None:
    given = [finding("CLS-08", place, "the client") for place in (7, 3)]
    assert who_cut([finding("CLS-08", 0, SERVER), *given]) == [
        CutGroup("the client", (3, 7)),
        CutGroup(SERVER, (0,)),
    ]


def test_a_limit_names_all_that_it_cut_and_nothing_names_them_again() -> None:
    given = [
        finding("CLS-08", 0, "a"),
        finding("CLS-08", 1, "b"),
        finding("CLS-08", 2, "a"),
        finding("CLS-08", 3, "b"),
        finding("PRX-13", 0, PROXY, 0, 1),
        finding("PRX-13", 2, PROXY, 2, 3),
        finding("PRX-14", 0, IDLE, 0, 2),
    ]
    assert who_cut(given) == [CutGroup(IDLE, (0, 2))]


def test_of_two_legs_the_one_where_it_began_is_named() -> None:
    given = [finding("CLS-08", 0, "passed on"), finding("CLS-08", 1, SERVER, 0, 1)]
    assert who_cut(given) == [CutGroup(SERVER, (1,))]


def test_what_cut_nothing_is_none() -> None:
    assert who_cut([finding("PRX-12", 0, ""), finding("FRM-01", 0, "x")]) == []
    assert who_cut([Finding("9 more", check="CLS-08", cause="")]) == []


def test_a_server_that_ended_says_so_where_all_went_at_once() -> None:
    ended = [
        Finding(
            "said",
            "server",
            9_000_000_000 + 1_000_000 * place,
            check="CLS-08",
            connection=place,
            cause=SERVER,
        )
        for place in range(4)
    ]
    assert who_cut(ended) == [
        CutGroup(f"{SERVER}, all within 3.0 ms: it ended, or was restarted", (0, 1, 2, 3))
    ]
    assert who_cut(ended[:2]) == [CutGroup(SERVER, (0, 1))]
    # The FINs are the server's, and answer what the client said.
    client = "the client ended TLS (close_notify) with X, and the server then closed TCP (FIN)"
    by_client = [replace(each, cause=client) for each in ended]
    assert who_cut(by_client) == [CutGroup(client, (0, 1, 2, 3))]
