"""Root is given up for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wsanalyze.capture.privileges import give_up_root
from wsanalyze.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to give it up")

REPORT = """
import os
from wsanalyze.capture.privileges import give_up_root
name = give_up_root({user!r})
def tries(call, *arguments):
    try:
        call(*arguments)
    except PermissionError:
        return "no"
    return "yes"
print(name, *os.getresuid(), *os.getresgid(), os.getgroups(), tries(os.setuid, 0),
      tries(os.setresuid, 0, 0, 0), tries(os.setgroups, [0]))
"""


def report(user: str | None, sudo_user: str | None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "SUDO_USER"}
    if sudo_user is not None:
        environment["SUDO_USER"] = sudo_user
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(user=user)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@needs_root
@pytest.mark.parametrize(("user", "sudo_user"), [("nobody", None), (None, "nobody")])
def test_there_is_no_way_back(user: str | None, sudo_user: str | None) -> None:
    assert report(user, sudo_user) == (
        "nobody 65534 65534 65534 65534 65534 65534 [65534] no no no"
    )


@needs_root
@pytest.mark.parametrize(
    ("user", "sudo_user"), [(None, None), ("root", "nobody"), (None, "root"), (None, "")]
)
def test_root_stays_root_where_that_is_wanted(user: str | None, sudo_user: str | None) -> None:
    assert report(user, sudo_user).startswith("None 0 0 0 0 0 0 ")


def test_who_is_not_root_is_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert give_up_root(None) is None
    assert give_up_root("nobody") is None
    with pytest.raises(UsageError, match="only root can become root"):
        give_up_root("root")


def test_no_such_user() -> None:
    with pytest.raises(UsageError, match="there is no user 'x y'"):
        give_up_root("x y")
