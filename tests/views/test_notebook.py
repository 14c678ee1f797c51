"""HTML for a notebook: what strangers send is text in it."""

from __future__ import annotations

from tables.recordings import REQUEST, connection, handshake, recording

from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.notebook import html
from wsanalyze.views.summary import FIRST


def test_escaped_for_html_and_for_eyes() -> None:
    request = REQUEST.replace(b"chat?x=1", b"<script>alert(1)</script>\x1b\"'&")
    record = recording(
        [connection(handshake=handshake(request))], captures=[CaptureSummary("<b>\u202e.pcap")]
    )
    text = html(record)
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b&quot;&#x27;&amp;" in text
    assert "&lt;b&gt;\\u202e.pcap" in text


def test_the_rest_is_counted() -> None:
    many = recording([connection(serial) for serial in range(FIRST + 2)])
    assert "and 2 more" in html(many)
    assert "more" not in html(recording([connection()]))
