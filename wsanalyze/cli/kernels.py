"""Which of the kernels run compiled; found out without importing one."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def kernels() -> dict[str, bool]:
    """Return the name of each kernel of kernels.txt, and whether it is compiled."""
    lines = (PACKAGE / "kernels.txt").read_text(encoding="ascii").splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return {name: _is_compiled(name) for name in names}


def _is_compiled(name: str) -> bool:
    # An extension module stands in front of the .py of the same name when Python looks for it.
    source = PACKAGE.parent.joinpath(*name.split("."))
    return any(source.with_name(source.name + suffix).exists() for suffix in EXTENSION_SUFFIXES)


def state(found: dict[str, bool]) -> str:
    """Return in words how many of the kernels are compiled."""
    count = sum(found.values())
    if count == len(found):
        return "kernels compiled"
    return f"{count} of {len(found)} kernels compiled" if count else "kernels not compiled"
