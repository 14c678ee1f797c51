"""Faults are collected, and never without end."""

from __future__ import annotations

from wsanalyze.websocket.faults import MAX_EACH, MAX_EVIDENCE, Fault, Faults, shown


def test_a_fault_as_recorded() -> None:
    faults = Faults("client")
    faults.add("HSQ-01", "what", "RFC", field="Host", evidence="a" * 1000, fatal=True)
    assert faults.found() == (
        Fault("HSQ-01", "what", "Host", "a" * MAX_EVIDENCE, "RFC", "client", True),
    )


def test_of_one_kind_only_so_many_are_kept_and_the_rest_is_counted() -> None:
    faults = Faults("server")
    for number in range(MAX_EACH + 5):
        faults.add("EXT-03", f"number {number}", "RFC")
    faults.add("EXT-04", "other", "RFC")
    found = faults.found()
    assert len(found) == MAX_EACH + 1
    assert found[-2].message == "number 9 (and 5 more of this kind)"
    assert found[-1].message == "other"


def test_wire_text_is_shown_escaped_and_short() -> None:
    assert shown("a\x1b\xe4") == "'a\\x1b\\xe4'"
    assert shown("x" * 100) == f"'{'x' * 57}...'"
    assert shown(None) == "nothing"


def test_what_is_cut_is_cut_before_who_logs_in() -> None:
    """Behind the cut would be the `@` that tells a login from a host."""
    assert shown(f"see https://anna:{'s3cret' * 10}@h/") == "'see https://...'"
    assert shown(f"see https://h:8080/{'x' * 60}") == f"'see https://h:8080/{'x' * 38}...'"
