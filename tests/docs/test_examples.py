"""Every example of the documents gives what the document shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.examples import Block, Example, blocks, brought_up_to_date, comparable, run
from wsanalyze.cli.commands import COMMANDS
from wsanalyze.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "docs/cli.md", "docs/explain.md", "docs/sources.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_examples_give_what_the_document_shows(name: str) -> None:
    found = blocks(read(name))
    stale = []
    for block, ran in zip(found, run(found), strict=True):
        assert len(ran) == len(block.examples), f"{name}:{block.line}: the shell ended early"
        for shown, given in zip(block.examples, ran, strict=True):
            if comparable(shown.output) != comparable(given.output):
                stale.append(f"{name}:{block.line}: {shown.source}{given.output}")
    assert not stale, "python tests/docs/examples.py writes what they give:\n" + "\n".join(stale)


def test_the_readme_shows_a_command_first_and_has_examples_of_all_kinds() -> None:
    text = read("README.md")
    found = blocks(text)
    first = found[0]
    assert first.kind == "console"
    assert first.line < 15
    assert first.examples[0].source.startswith("$ wsanalyze captures/")
    assert {block.kind for block in found} == {"console", "pycon"}


def test_the_help_of_every_command_is_shown() -> None:
    found = blocks(read("docs/cli.md"))
    sources = {example.source for block in found for example in block.examples}
    assert {f"$ wsanalyze {name} --help\n" for name in COMMANDS} <= sources
    assert "$ wsanalyze --help\n" in sources


def test_the_diagram_is_what_is_drawn_today(tmp_path: Path) -> None:
    drawn = tmp_path / "ladder.svg"
    capture = ROOT / "captures" / "nginx-idle.pcapng"
    assert main(["explain", str(capture), "-q", "--svg", str(drawn)]) == 0
    shown = ROOT / "docs" / "images" / "ladder-nginx-idle.svg"
    assert shown.read_text(encoding="utf-8") == drawn.read_text(encoding="utf-8")


DOCUMENT = """
Words.

```console
$ echo one \\
  two
one two
$ false
$ echo $?
1
```

<!-- not run: it never ends -->
```console
$ sleep infinity
```

```pycon
>>> a = [1,
...      2]
>>> a
[1, 2]
```

```python
raise SystemExit
```

```pycon
>>> a[2]
Traceback (most recent call last):
  ...
IndexError: list index out of range
```
"""


def test_blocks_of_a_document() -> None:
    one, two, three = blocks(DOCUMENT)
    assert (one.kind, one.line) == ("console", 4)
    assert one.examples == (
        Example("$ echo one \\\n  two\n", "one two\n"),
        Example("$ false\n", ""),
        Example("$ echo $?\n", "1\n"),
    )
    assert two.examples[0].source == ">>> a = [1,\n...      2]\n"
    assert three.kind == "pycon"


def test_a_document_that_is_true_stays_as_it_is() -> None:
    assert brought_up_to_date(DOCUMENT) == DOCUMENT


def test_a_stale_document_is_brought_up_to_date() -> None:
    stale = DOCUMENT.replace("one two\n", "one\n", 1).replace("[1, 2]", "[1]")
    assert brought_up_to_date(stale) == DOCUMENT


def test_only_the_version_and_spaces_at_line_ends_are_excepted() -> None:
    assert comparable("wsanalyze 0.1.0 (kernels compiled)\n") == comparable(
        "wsanalyze 9.9 (2 of 21 kernels compiled)  \n"
    )
    assert comparable("1.0 ms\n") != comparable("1.1 ms\n")


def test_a_shell_that_ends_early_is_noticed() -> None:
    block = Block("console", 1, (0, 0), (Example("$ echo 1; exit\n", ""), Example("$ echo\n", "")))
    (ran,) = run([block])
    assert len(ran) < 2
