"""The page: template, style, scripts and data put together to one file that loads nothing.

Its Content-Security-Policy names the hash of each script and of the style, and forbids everything
else: no request to anywhere, no evaluation of text (CSP Level 3 §2.3.1). The data are JSON, packed
with gzip, in a block that no browser runs.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from wsanalyze.views.escape import visible

# In the order in which they build on each other.
SCRIPTS = (
    *("text.js", "elements.js", "data.js", "list.js", "payload.js", "plots.js", "ladder.js"),
    *(
        "overview.js",
        "timeline.js",
        "found.js",
        "way.js",
        "handshake.js",
        "messages.js",
        "frames.js",
        "connection.js",
    ),
    "page.js",
)
# What ends a script element or begins a comment, and line ends that old scripts take for such.
ESCAPES = {each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def render(data: dict[str, Any], title: str) -> str:
    """Return the page; `data` as `report_data` makes it."""
    scripts = [_file(name) for name in SCRIPTS]
    style = _file("page.css")
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; "
        f"style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(_file("page.html")).render(
        title=visible(title),
        policy=Markup(policy),
        style=Markup(style),
        scripts=[Markup(each) for each in scripts],
        packed=Markup(embedded(packed(data))),
    )


def packed(data: dict[str, Any]) -> dict[str, Any]:
    """Return data as the page has them: JSON in ASCII, gzip (RFC 1952), base64."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).encode("ascii")
    # Without a time in it: the same captures make the same page.
    squeezed = gzip.compress(text, compresslevel=9, mtime=0)
    return {"length": len(text), "gzip": b64encode(squeezed).decode("ascii")}


def embedded(value: dict[str, Any]) -> str:
    """Return JSON that can stand in a script element, whatever is in it."""
    text = json.dumps(value)
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _file(name: str) -> str:
    return files("wsanalyze.report").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
