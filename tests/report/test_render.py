"""The page as a file: whole, quiet, and closed to whatever is in the data."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from report.pages import embedded_in, named
from wsanalyze.report.render import embedded, packed, render

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    ("</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028\u2029", "\udcff\udc80")
)


def test_the_data_come_back() -> None:
    data = named("hostile-contents")
    assert embedded_in(render(data, "hostile")) == json.loads(json.dumps(data))


def test_the_same_data_make_the_same_page() -> None:
    data = named("chromium")
    assert render(data, "one") == render(data, "one")


@given(TEXTS, TEXTS)
def test_no_text_leaves_its_place(title: str, text: str) -> None:
    plain = render({"a": ""}, "")
    page = render({"a": text}, title)
    assert page.count("<") == plain.count("<")
    assert page.count("\u2028") == page.count("\u2029") == 0
    assert embedded_in(page) == {"a": text}


@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_a_block_of_json_has_nothing_that_html_knows(value: dict[str, str]) -> None:
    assert not set("<>&\u2028\u2029") & set(embedded(value))


def test_the_policy_names_every_script_and_nothing_else() -> None:
    page = render({}, "title")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in scripts]
    assert len(hashes) == 12
    of_style = f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
    assert policy == (
        f"default-src 'none'; script-src {' '.join(hashes)}; style-src {of_style}; "
        "base-uri 'none'; form-action 'none'"
    )


def test_no_script_makes_markup_of_text() -> None:
    page = render({}, "title")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in page
    assert "new Function" not in page


def test_nothing_is_named_that_could_be_loaded() -> None:
    page = render({}, "title")
    assert re.findall(r"(?:src|href|action)\s*=\s*[\"']", page) == []
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(", page)


def test_packed_data_have_no_time_in_them() -> None:
    assert packed({"a": 1}) == packed({"a": 1})
