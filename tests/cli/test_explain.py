"""`wsanalyze explain` as a user has it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from story.told import without_secrets
from support.packets import ACK, CLIENT, SERVER, SYN, pcap_of, segment

from cli.running import CAPTURES, COMMAND, REFUSED, ROOT, assert_one_line, environment, run
from wsanalyze.cli.asking import ASKED

CHAT = CAPTURES / "chat-ws.pcapng"


def quiz(answers: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "explain", str(CHAT), "--quiz", *arguments],
        input=answers,
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=ROOT,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_whole_connection(columns: str) -> None:
    done = run("explain", CHAT, COLUMNS=columns)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(len(line) <= int(columns) for line in done.stdout.splitlines())
    assert "\x1b" not in done.stdout
    assert done.stdout.count("Frame ") > 10


def test_one_frame() -> None:
    done = run("explain", CHAT, "--frame", "2", COLUMNS="80")
    assert done.returncode == 0
    assert done.stdout.startswith("   Frame 2: text")
    assert "Frame 3" not in done.stdout
    assert '"Hello"' in done.stdout


def test_some_frames() -> None:
    done = run("explain", CHAT, "--frames", "3-4")
    told = [line for line in done.stdout.splitlines() if line.startswith("   Frame ")]
    assert [line.split(":")[0].strip() for line in told] == ["Frame 3", "Frame 4"]


def test_colour_only_where_it_is_asked_for() -> None:
    assert "\x1b[" in run("explain", CHAT, FORCE_COLOR="1", TERM="xterm").stdout
    assert "\x1b[3" not in run("explain", CHAT, "--no-color", FORCE_COLOR="1", TERM="xterm").stdout


def test_the_first_of_several() -> None:
    done = run("explain", REFUSED)
    assert done.returncode == 0
    assert "-c chooses another" in done.stderr
    assert done.stdout.startswith("Connection 0 ")
    chosen = run("explain", REFUSED, "-c", "2")
    assert chosen.stderr == ""
    assert chosen.stdout.startswith("Connection 2 ")


def test_only_the_diagram() -> None:
    done = run("explain", CHAT, "--ladder", COLUMNS="80")
    assert "│── SYN ─" in done.stdout
    assert "Frame " not in done.stdout


@pytest.mark.parametrize(
    ("frame", "left_out"),
    [(120, ["frames 0 to 111", "frames 129 to 199"]), (2, ["frames 11 to 199"])],
)
def test_a_frame_in_the_diagram_among_its_neighbours(frame: int, left_out: list[str]) -> None:
    """The last two of its 202 frames are Closes, which are always drawn."""
    capture = CAPTURES / "lossy-path-client.pcapng"
    done = run("explain", capture, "-q", "--ladder", "--frame", frame, COLUMNS="120")
    assert done.returncode == 0
    assert re.findall(r"frames \d+ to \d+", done.stdout) == left_out


def test_the_diagram_as_svg(tmp_path: Path) -> None:
    path = tmp_path / "ladder.svg"
    done = run("explain", CHAT, "--svg", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ET.parse(path).getroot().tag.endswith("svg")  # noqa: S314 - our own


def test_a_capture_from_a_pipe() -> None:
    done = subprocess.run(
        [*COMMAND, "explain", "-", "--frame", "2"],
        input=CHAT.read_bytes(),
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.decode() == run("explain", CHAT, "--frame", "2").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-c", "9"), ("no connection 9",)),
        (("--frame", "99"), ("no frame 99", "20")),
        (("--frame", "1", "--frames", "1-2"), ("exclude",)),
        (("--frames", "x"), ("A-B",)),
        (("--frames", "5-2"), ("before the first",)),
        (("--quiz", "--ladder"), ("--quiz",)),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_one_line(run("explain", CHAT, *arguments), 2, *words)


def test_no_connection_and_no_capture(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    assert_one_line(run("explain", empty), 2, "no WebSocket connection")
    assert_one_line(run("explain", tmp_path / "none.pcap"), 3, "none.pcap")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (None, "1: no secrets are known; --keylog FILE takes what programs log"),
        ("# nothing\n", "1: the key logs hold no secrets"),
        (
            f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n",
            "1: no secret for this client random in 1 file",
        ),
    ],
    ids=["none", "empty", "of another program"],
)
def test_why_tls_stayed_closed(tmp_path: Path, log: str | None, said: str) -> None:
    capture, _ = without_secrets((CAPTURES / "chat-wss.pcapng").read_bytes())
    path, keys = tmp_path / "sealed.pcapng", tmp_path / "keys.log"
    path.write_bytes(capture)
    keys.write_text(log or "")
    done = run("explain", path, *(() if log is None else ("--keylog", keys)))
    assert_one_line(done, 2, "no WebSocket connection in it; encrypted: ", said)


def test_a_cut_capture_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(CHAT.read_bytes()[:4000])
    done = run("explain", cut, "-q")
    assert done.returncode == 4
    assert "The client asks" in done.stdout


def test_the_quiz_ends_with_its_input() -> None:
    done = quiz("")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"0 right, 0 wrong, {ASKED} not answered" in done.stdout
    assert quiz("q\n").returncode == 0


def test_the_same_seed_asks_the_same() -> None:
    assert quiz("\n" * 9, "--seed", "5").stdout == quiz("\n" * 9, "--seed", "5").stdout
    assert quiz("", "--seed", "5").stdout != quiz("", "--seed", "6").stdout


def test_wrong_answers_are_counted() -> None:
    done = quiz("no such thing\n" * ASKED, "--seed", "1")
    assert done.returncode == 1
    assert f"0 right, {ASKED} wrong" in done.stdout


def test_right_answers_are_found_by_asking_first() -> None:
    """What the quiz itself says is right, is right when it is answered."""
    for seed in ("1", "2", "3"):
        shown = " ".join(quiz("\n" * ASKED, "--seed", seed).stdout.split())
        answers = re.findall(r"> The answer is (?:([a-f])\) )?(.+?): ", shown)
        assert len(answers) == ASKED
        done = quiz("".join(f"{letter or text}\n" for letter, text in answers), "--seed", seed)
        assert f"{ASKED} right, 0 wrong" in done.stdout
        assert done.returncode == 0


def test_a_wrong_answer_is_set_right() -> None:
    shown = " ".join(quiz("no such thing\n" * ASKED, "--seed", "580").stdout.split())
    assert "No, it is 74: 9c XOR e8, byte 1 of the key, is 74." in shown
    assert "No, it is b) np6uoicBuWYa2a/DFM24PTyKYFI=: SHA-1 of key" in shown


def test_hostile_answers_are_not_shown() -> None:
    done = quiz("\x1b[2J\x1b]0;x\x07" * 1000 + "\n", "--seed", "1")
    assert "\x1b" not in done.stdout + done.stderr
    assert "> \\x1b[2J" in done.stdout
    assert "1 wrong" in done.stdout


def test_the_quiz_wants_its_own_input() -> None:
    assert_one_line(run("explain", "-", "--quiz"), 2, "standard input")


def test_the_capture_is_not_written_over(tmp_path: Path) -> None:
    capture = tmp_path / "chat.pcapng"
    capture.write_bytes(CHAT.read_bytes())
    assert_one_line(run("explain", capture, "--svg", capture), 2, "name another place")
    assert capture.read_bytes() == CHAT.read_bytes()


def test_what_comes_by_a_pipe_is_called_so() -> None:
    done = subprocess.run(
        [*COMMAND, "explain", "-"],
        input=CHAT.read_bytes()[:3000],
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert done.stdout.startswith(b"Connection 0 of standard input\n")
    assert done.stderr.startswith(b"wsanalyze: standard input: byte 2900")


def test_ten_megabytes_of_a_header_line(tmp_path: Path) -> None:
    """Beyond the limit of a head nothing is read of it: one line says so, and quickly."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-Long: "
    data = head + b"<b>\x1b" * 2_500_000
    pieces = [data[at : at + 60_000] for at in range(0, len(data), 60_000)]
    packets = [segment(flags=SYN, seq=0), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    packets += [segment(seq=1 + 60_000 * n, data=piece) for n, piece in enumerate(pieces)]
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap_of(packets))
    assert_one_line(run("explain", path), 2, "no WebSocket connection")
    told = run("explain", path, "--limit", "head=20000000")
    assert "\x1b" not in told.stdout + told.stderr
    assert len(told.stdout) < 20_000


TUNNELS = CAPTURES / "socks-tunnels.pcapng"


def test_a_refused_tunnel() -> None:
    done = run("explain", TUNNELS, "--refused", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Refused tunnel 2 of ")
    assert "SOCKS5 reply 5: connection refused" in done.stdout
    assert "DST.PORT: 1\n" in done.stdout
    drawn = run("explain", TUNNELS, "--refused", "2", "--ladder")
    assert drawn.stdout in done.stdout


def test_that_credentials_were_not_given_is_said_of_this_tcp_connection_only() -> None:
    """Another one of the same client gave them, as PRX-21 tells."""
    done = run("explain", CAPTURES / "connect-tunnels.pcapng", "--refused", "1")
    assert "On this TCP connection the client did not try again with credentials" in done.stdout
    assert "PRX-21" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--refused", "9"], "no refused tunnel 9: the capture has 3 refused tunnels"),
        (["--refused", "0", "-c", "1"], "--refused goes with --ladder and --svg alone"),
        (["--refused", "0", "--quiz"], "--refused goes with --ladder and --svg alone"),
    ],
)
def test_no_refused_tunnel(options: list[str], said: str) -> None:
    done = run("explain", TUNNELS, *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_capture_without_refused_tunnels_says_so() -> None:
    done = run("explain", CHAT, "--refused", "0")
    assert_one_line(done, 2, "the capture has no refused tunnels")


def test_a_number_that_is_none_is_named() -> None:
    done = run("explain", "--refused", CHAT)
    assert done.returncode == 2
    assert "Invalid value for '--refused': it wants a whole number, and '" in done.stderr
    assert "is none" in done.stderr


def test_a_note_says_that_tunnels_were_refused() -> None:
    done = run("explain", TUNNELS, "--ladder")
    assert "proxies refused 3 tunnels; --refused 0 tells the first" in done.stderr
