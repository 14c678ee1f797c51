"""tshark and pyshark in a process of their own: how it ends, and that nothing stays behind.

What stands for tshark here is a script that tells its version and then sleeps.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsanalyze.capture.dissector import dissect
from wsanalyze.errors import CaptureError, UsageError

pytest.importorskip("pyshark")
ROOT = Path(__file__).resolve().parents[2]
CAPTURE = ROOT / "captures" / "keepalive.pcap"
SLEEPING = """#!/bin/sh
[ "$1" = -v ] && echo "TShark (Wireshark) 4.0.17." && exit
echo $$ > {folder}/made && mv {folder}/made {folder}/pid
exec sleep 60
"""


@pytest.fixture
def sleeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the process number of a tshark that never ends is written."""
    program = tmp_path / "tshark"
    program.write_text(SLEEPING.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path / "pid"


def wait_for(condition: object) -> None:
    for _ in range(200):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within ten seconds")


def is_gone(number: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_time_is_limited_and_tshark_goes_with_it(sleeping: Path) -> None:
    with pytest.raises(CaptureError, match="took longer than 3 s"):
        dissect(CAPTURE, timeout=3)
    number = int(sleeping.read_text())
    wait_for(lambda: is_gone(number))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that ends them")
def test_however_we_end_tshark_goes_with_us(sleeping: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "wsanalyze", "verify", str(CAPTURE)]
    ours = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    wait_for(sleeping.exists)
    number = int(sleeping.read_text())
    assert not is_gone(number)
    ours.send_signal(how)
    _, said = ours.communicate(timeout=20)
    wait_for(lambda: is_gone(number))
    if how == signal.SIGINT:
        assert (ours.returncode, said) == (130, b"wsanalyze: interrupted\n")


def test_settings_of_the_current_directory_are_not_read(
    sleeping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.ini").write_text("[tshark]\ntshark_path = /bin/false\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaptureError, match="took longer"):
        dissect(CAPTURE, timeout=3)
    assert sleeping.exists()


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install Wireshark's tshark"):
        dissect(CAPTURE, timeout=3)


def test_pyshark_is_missing(sleeping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.capture.dissector.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="pip install"):
        dissect(CAPTURE, timeout=3)
    assert not sleeping.exists()
