"""The catalogue as Markdown."""

from __future__ import annotations

from dataclasses import fields

from views.audits import MASK, ORIGINS, declared

from wsanalyze.checks.describe import FAMILIES, HEAD, markdown, thresholds
from wsanalyze.checks.thresholds import MEANINGS, Thresholds


def test_a_page_of_checks() -> None:
    example = declared("TST-01", "with-example", "warning", example="chat.pcapng /chat")
    assert markdown([MASK, ORIGINS, example]) == HEAD + (
        "\n| ID | name | severity | title |\n|---|---|---|---|\n"
        "| [FRM-01](#frm-01-unmasked-client-frame) | `unmasked-client-frame` | error "
        "| Title of FRM-01 |\n"
        "| [SEC-04](#sec-04-origin-not-checked) | `origin-not-checked` | warning "
        "| Title of SEC-04 |\n"
        "| [TST-01](#tst-01-with-example) | `with-example` | warning | Title of TST-01 |\n"
        "\n## FRM: frames\n"
        "\n### FRM-01 unmasked-client-frame\n"
        "\nTitle of FRM-01. **error**, `test`\n"
        "\nWhy the rule exists.\n\n**What to do:** What to do about FRM-01.\n"
        "\nSee RFC 6455 §4.1.\n"
        "\n## SEC: security\n"
        "\n### SEC-04 origin-not-checked\n"
        "\nTitle of SEC-04. **warning**, `test`\n"
        "\nWhy the rule exists.\n\n**What to do:** What to do about SEC-04.\n"
        "\nSee RFC 6455 §4.1. It looks at all connections of the captures together.\n"
        "\n## TST\n"
        "\n### TST-01 with-example\n"
        "\nTitle of TST-01. **warning**, `test`\n"
        "\nWhy the rule exists.\n\n**What to do:** What to do about TST-01.\n"
        "\nSee RFC 6455 §4.1. Example: [chat.pcapng](../captures/chat.pcapng), `/chat`.\n"
    )


def test_no_checks() -> None:
    assert markdown([]) == HEAD


def test_every_family_has_a_heading() -> None:
    from wsanalyze.checks.catalogue import catalogue

    assert {each.family for each in catalogue()} <= set(FAMILIES)


def test_every_threshold_is_listed_with_default_and_meaning() -> None:
    assert list(MEANINGS) == [each.name for each in fields(Thresholds)]
    rows = [line for line in thresholds().splitlines() if line.startswith("| `")]
    assert len(rows) == len(MEANINGS)
    assert "| `pong_s` | 20 | seconds without an answer to a Ping |" in rows
    assert f"| `frame` | 16777216 | {MEANINGS['frame']} |" in rows
