"""`wsanalyze doctor` and the state of the kernels."""

from __future__ import annotations

from cli.running import run
from wsanalyze.cli.kernels import kernels, state


def test_doctor_names_everything() -> None:
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    names = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"wsanalyze", "Python", "kernels", "pandas", "[excel]", "tshark", "dumpcap"} <= names


def test_doctor_says_what_to_install() -> None:
    done = run("doctor", PATH="/nonexistent")
    assert "install wireshark-common" in done.stdout


def test_verbose_names_each_kernel() -> None:
    output = run("doctor", "-v").stdout
    assert all(name in output for name in kernels())


def test_state() -> None:
    assert state({"a": True, "b": True}) == "kernels compiled"
    assert state({"a": True, "b": False}) == "1 of 2 kernels compiled"
    assert state({"a": False, "b": False}) == "kernels not compiled"
