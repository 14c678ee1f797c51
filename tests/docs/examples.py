"""The examples in a document: found, run, and compared with what the document shows.

A fenced block of `console` holds shell commands behind `$ ` (a line that ends in a backslash goes
on in the next) and, under each, what it writes to its terminal. A block of `pycon` holds Python
behind `>>> `; all those of a document are one session. Both are examples, and run, unless the line
above the fence is `<!-- not run: REASON -->`.

`python tests/docs/examples.py FILE…` writes into documents what their examples give today. Look at
the difference before you keep it.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# Where the examples run there are the captures and nothing else, and a terminal this wide.
COLUMNS = 100

# What may differ from one machine to the next, and stays out of the comparison. Nothing else does:
# times in the output are times of the recorded packets.
EXCEPTED = ((re.compile(r"^wsanalyze \d\S* \(.*\)$", re.MULTILINE), "wsanalyze VERSION (KERNELS)"),)

_BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n)?^```(?P<kind>console|pycon)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_MARK = "--- end of example "


@dataclass(frozen=True, slots=True)
class Example:
    """One command or statement: as it was typed (`source`, prompt included), and what it shows."""

    source: str
    output: str


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block with examples, and where its body stands in the document."""

    kind: str
    line: int
    span: tuple[int, int]
    examples: tuple[Example, ...]


def blocks(text: str) -> list[Block]:
    """Return the blocks of a document that are examples, in order."""
    found = []
    for match in _BLOCK.finditer(text):
        if match["skip"]:
            continue
        read = _commands if match["kind"] == "console" else _statements
        line = text.count("\n", 0, match.start("body"))
        found.append(Block(match["kind"], line, match.span("body"), tuple(read(match["body"]))))
    return found


def _commands(body: str) -> Iterator[Example]:
    """Split a console block at its prompts."""
    source: list[str] = []
    output: list[str] = []
    for line in body.splitlines(keepends=True):
        if source and source[-1].endswith("\\\n"):
            source.append(line)
        elif line.startswith("$ "):
            if source:
                yield Example("".join(source), "".join(output))
            source, output = [line], []
        else:
            output.append(line)
    if source:
        yield Example("".join(source), "".join(output))


def _statements(body: str) -> Iterator[Example]:
    for example in doctest.DocTestParser().get_examples(body):
        first, *rest = example.source.splitlines()
        lines = (f">>> {first}", *(f"... {line}".rstrip() for line in rest))
        source = "".join(f"{line}\n" for line in lines)
        yield Example(source, example.want)


def comparable(output: str) -> str:
    """Return output without what may differ: what is excepted, and spaces at line ends."""
    output = _trimmed(output)
    for pattern, replacement in EXCEPTED:
        output = pattern.sub(replacement, output)
    return output


def run(found: list[Block]) -> list[list[Example]]:
    """Run blocks in one new folder that has the captures; return their examples as they came out.

    What a command wrote into the folder is there for those behind it.
    """
    session: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder:
        place, programs = Path(folder, "work"), Path(folder, "bin")
        place.mkdir()
        programs.mkdir()
        place.joinpath("captures").symlink_to(ROOT / "captures")
        for name, options in (("python", ""), ("wsanalyze", "-m wsanalyze ")):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {options}"$@"\n')
            program.chmod(0o755)
        with contextlib.chdir(place):
            return [
                _run_console(block, programs)
                if block.kind == "console"
                else _run_python(block, session)
                for block in found
            ]


def _run_console(block: Block, programs: Path) -> list[Example]:
    """Run the commands of a block in one shell, so that `$?` is that of the command before."""
    script = ""
    for example in block.examples:
        command = example.source.removeprefix("$ ")
        script += f"{command}_s=$?; printf '%s\\n' '{_MARK}'; (exit $_s)\n"
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=kept
        | {"PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": str(COLUMNS)}
        | {"PYTHONPATH": _home(), "PYTHONUTF8": "1"},
        timeout=300,
        check=False,
    )
    outputs = done.stdout.split(f"{_MARK}\n")
    return [
        Example(example.source, _trimmed(output))
        for example, output in zip(block.examples, outputs, strict=False)
    ]


def _home() -> str:
    """Return where this process has wsanalyze from: an installed one may be compiled."""
    spec = find_spec("wsanalyze")
    return str(Path(spec.origin).parents[1]) if spec and spec.origin else str(ROOT)


def _run_python(block: Block, session: dict[str, Any]) -> list[Example]:
    """Run the statements of a block in the document's Python session."""
    ran = []
    for example in block.examples:
        source = "".join(line[4:] or "\n" for line in example.source.splitlines(keepends=True))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile(source, "<example>", "single"), session)  # noqa: S102
            except Exception as error:  # noqa: BLE001 - shown as an interpreter shows it
                print("Traceback (most recent call last):\n  ...")
                print("".join(traceback.format_exception_only(error)), end="")
        ran.append(Example(example.source, _trimmed(printed.getvalue())))
    return ran


def _trimmed(output: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())


def brought_up_to_date(text: str) -> str:
    """Return a document with what its examples give today."""
    found = blocks(text)
    for block, ran in reversed(list(zip(found, run(found), strict=True))):
        start, stop = block.span
        text = text[:start] + "".join(each.source + each.output for each in ran) + text[stop:]
    return text


def main(names: list[str]) -> None:
    """Write what the examples give into the documents."""
    sys.path.insert(0, str(ROOT))
    for name in names:
        path = Path(name).resolve()
        path.write_text(brought_up_to_date(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
