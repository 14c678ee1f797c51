"""`wsanalyze doctor` and the state of the kernels."""

from __future__ import annotations

from cli.running import run
from wsanalyze.capture.live import why_not
from wsanalyze.cli.kernels import kernels, state


def test_doctor_names_everything() -> None:
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    names = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"wsanalyze", "Python", "kernels", "pandas", "[excel]", "tshark", "dumpcap"} <= names


def test_doctor_says_what_to_install() -> None:
    done = run("doctor", PATH="/nonexistent")
    assert "install wireshark-common" in done.stdout


def test_doctor_says_what_works_live() -> None:
    said = {" ".join(line.split()[1:3]): line for line in run("doctor").stdout.splitlines()}
    for source in ("dumpcap", "socket"):
        reason = why_not(source)
        line = said[f"live: {source}"]
        if reason is None:
            assert line.startswith("ok ")
            assert "captures on " in line
        else:
            assert line.startswith("- ")
            assert reason.advice in line


def test_doctor_says_what_live_needs() -> None:
    output = run("doctor", PATH="/nonexistent").stdout
    assert "dumpcap is not installed: sudo apt install wireshark-common" in output


def test_verbose_names_each_kernel() -> None:
    output = run("doctor", "-v").stdout
    assert all(name in output for name in kernels())


def test_state() -> None:
    assert state({"a": True, "b": True}) == "kernels compiled"
    assert state({"a": True, "b": False}) == "1 of 2 kernels compiled"
    assert state({"a": False, "b": False}) == "kernels not compiled"
