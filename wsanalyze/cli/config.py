"""Settings of `wsanalyze check` from a file: `wsanalyze.toml`, or `[tool.wsanalyze]` of a project.

    select = ["handshake", "frame"]     # as --select
    ignore = ["HSR-08"]                 # as --ignore
    fail-on = "warning"                 # as --fail-on

    [thresholds]                        # as --threshold
    pong_s = 30

    [limits]                            # as --limit
    flows = 1000000

The file is looked for in the current folder and those above it, up to the root of a repository.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

import click

from wsanalyze.checks.finding import SEVERITIES
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.errors import UsageError
from wsanalyze.limits import Limits

FILE, PROJECT = "wsanalyze.toml", "pyproject.toml"
NEVER = "never"
FAIL_ON = (*reversed(SEVERITIES), NEVER)

# A settings file is a page of text; what is larger is something else under its name.
LARGEST = 1 << 20

DEFAULTS = Thresholds()
Number = int | float


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file says; `path` is None where there is none. Each empty where it does not say."""

    path: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str | None = None
    thresholds: tuple[tuple[str, Number], ...] = ()
    limits: tuple[tuple[str, int], ...] = ()


def found_settings(folder: Path) -> Settings:
    """Return the settings that hold in a folder: of the nearest file, in it or above it."""
    for place in (folder, *folder.parents):
        if (place / FILE).is_file():
            return read_settings(place / FILE)
        if (place / PROJECT).is_file():
            table = _of_project(_toml(place / PROJECT))
            if table is not None:
                return _settings(place / PROJECT, table)
        if (place / ".git").exists():
            break
    return Settings()


def read_settings(path: Path) -> Settings:
    """Return the settings of a file; UsageError where it cannot be read or makes no sense."""
    content = _toml(path)
    if path.name != PROJECT:
        return _settings(path, content)
    table = _of_project(content)
    return Settings(path) if table is None else _settings(path, table)


def threshold(name: str, value: object) -> tuple[str, Number]:
    """Return a threshold by name, as its kind of number; UsageError where it is none."""
    defaults = {each.name: getattr(DEFAULTS, each.name) for each in fields(Thresholds)}
    if name not in defaults:
        raise UsageError(f"{name[:60]!r} is no threshold: it must be one of {', '.join(defaults)}")
    whole = isinstance(defaults[name], int)
    number = _number(value, whole=whole)
    if number is None:
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"threshold {name} needs {kind} of 0 or more, not {str(value)[:60]!r}")
    return name, number


def thresholds_of(pairs: tuple[tuple[str, Number], ...]) -> Thresholds:
    """Return the thresholds with those replaced that were given; the last one of a name counts."""
    return replace(DEFAULTS, **dict(pairs))  # type: ignore[arg-type]


class ThresholdType(click.ParamType[tuple[str, Number]]):
    """`name=value`, where name is a field of Thresholds."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Number]:
        """Return the name and the number."""
        if isinstance(value, tuple):
            return value
        name, _, text = str(value).partition("=")
        try:
            return threshold(name, text)
        except UsageError as error:
            self.fail(str(error), param, ctx)


def _number(value: object, *, whole: bool) -> Number | None:
    """Return a number from TOML or from a word; None for what is none of 0 or more."""
    if isinstance(value, str):
        # Not what int() and float() also take: `1_000`, ` 5 `, `inf`, digits of other scripts.
        if not value.isascii() or not value.replace(".", "", 1).isdigit():
            return None
        value = int(value[:20]) if value.isdigit() else float(value[:40])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not isfinite(value) or not 0 <= value < 1 << 62:
        return None
    if whole:
        return value if isinstance(value, int) else None
    return float(value)


def _toml(path: Path) -> dict[str, Any]:
    # Most runs have no file of settings.
    import tomllib

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UsageError(f"{path}: larger than {LARGEST} bytes, which no settings file is")
        return tomllib.loads(content.decode())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error


def _of_project(content: Mapping[str, Any]) -> object:
    """Return what a project's file says under [tool.wsanalyze]; None where it says nothing."""
    tools = content.get("tool")
    return tools.get("wsanalyze") if isinstance(tools, dict) else None


def _settings(path: Path, table: object) -> Settings:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.wsanalyze] is a table of settings")
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key == "show-secrets":
            # Found in a folder of captures it would print their secrets into logs unasked.
            raise UsageError(f"{path}: show-secrets is never read from a file: give --show-secrets")
        if key not in _READERS:
            raise UsageError(
                f"{path}: {key[:60]!r} is no setting: it must be one of {', '.join(_READERS)}"
            )
        try:
            found[key.replace("-", "_")] = _READERS[key](value)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error
    return Settings(path, **found)


def _words(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise UsageError("select and ignore are lists of IDs, names, families or tags")
    return tuple(listed)


def _fail_on(value: object) -> str:
    if value not in FAIL_ON:
        raise UsageError(f"fail-on must be one of {', '.join(FAIL_ON)}")
    return str(value)


def _thresholds(value: object) -> tuple[tuple[str, Number], ...]:
    return tuple(threshold(name, each) for name, each in _table("thresholds", value).items())


def _limits(value: object) -> tuple[tuple[str, int], ...]:
    names = [each.name for each in fields(Limits)]
    pairs = []
    for name, each in _table("limits", value).items():
        if name not in names:
            raise UsageError(f"{name[:60]!r} is no limit: it must be one of {', '.join(names)}")
        if not isinstance(each, int) or isinstance(each, bool) or not 0 < each < 1 << 62:
            raise UsageError(f"limit {name} needs a whole number above 0")
        pairs.append((name, each))
    return tuple(pairs)


def _table(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UsageError(f"{name} is a table: [{name}]")
    return value


_READERS: Mapping[str, Callable[[object], Any]] = {
    "select": _words,
    "ignore": _words,
    "fail-on": _fail_on,
    "thresholds": _thresholds,
    "limits": _limits,
}
