"""Questions about what a connection travels in: proxies, TLS, HTTP/2; from its capture alone."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.ends import of_tcp
from wsanalyze.story.model import Secure, Story, WayStep
from wsanalyze.story.question import Question
from wsanalyze.tunnels import messages
from wsanalyze.tunnels.way import steps

# Answers that open a way, and to which message they are.
_OPENS = {
    messages.CONNECT_ANSWER: ("status code", "any 2xx opens a tunnel (RFC 9110 §9.3.6)"),
    messages.REPLY: ("reply code", "0 is succeeded (RFC 1928 §6)"),
    messages.SOCKS4_REPLY: ("reply code", "90 is granted, in SOCKS 4"),
}


def of_carriers(story: Story) -> Iterator[Question]:
    """Yield the questions about proxies, TLS and HTTP/2."""
    yield from _of_way(story)
    yield from _of_legs(story)
    tls = story.around[0] if story.around else story.secure
    if tls is not None:
        yield from _of_tls(tls, with_proxy=bool(story.around))
    yield from _of_http2(story)


def _of_way(story: Story) -> Iterator[Question]:
    for step in story.way:
        if step.kind == messages.HEADER:
            yield from _of_header(step)
        elif step.kind == messages.METHOD and step.code is not None:
            yield Question(
                "socks-method",
                f"Packet {step.packet} is the proxy's choice among the client's ways of logging "
                "in. Which number did it choose?",
                (str(step.code),),
                f"{step.code} is {step.meaning} (RFC 1928 §3)",
            )
        elif step.code == 407 and step.kind == messages.CONNECT_ANSWER:
            yield Question(
                "credentials",
                "The first CONNECT opened nothing. Which status code told the client to try again "
                "with credentials?",
                ("407",),
                f"407, in packet {step.packet}: Proxy-Authenticate says how (RFC 9110 §15.5.8)",
            )
    opening = [each for each in story.way if each.kind in _OPENS and each.code is not None]
    if opening and story.refusal is None:
        last = opening[-1]
        what, why = _OPENS[last.kind]
        who = "the last proxy" if len(opening) > 1 else "the proxy"
        yield Question(
            "way-opened",
            f"With which {what} did {who} say that the way is open?",
            (str(last.code),),
            f"{last.code}, in packet {last.packet}: {why}",
        )
    asked = [where for kind, where in steps(story.tunnel) if kind != "PROXY" and where]
    if asked:
        yield Question(
            "way-asked",
            f"TCP leads to {story.server}, a proxy. To which host and port does the way go from "
            f"{'there' if len(asked) == 1 else 'the last proxy'}?",
            (asked[-1],),
            f"the way is {story.tunnel}",
        )
        yield Question(
            "who-has-tcp",
            "With whom does the client have this TCP connection, with the server or with a proxy?",
            ("proxy", "the proxy", "a proxy", "with a proxy"),
            f"{story.server} is the proxy; the server is asked for inside",
        )


def _of_header(step: WayStep) -> Iterator[Question]:
    named = {part.name: part.text for part in step.parts}
    if "client's port" not in named:
        return
    yield Question(
        "announced",
        f"Packet {step.packet} is a header of the PROXY protocol. Which port does the proxy's "
        "client have, as it says?",
        (named["client's port"],),
        "client and port stand in the header, before anything else (proxy-protocol.txt §2)",
    )


def _of_legs(story: Story) -> Iterator[Question]:
    if len(story.legs) < 2:
        return
    numbers = ", ".join(str(leg.number) for leg in story.legs)
    yield Question(
        "legs",
        "How many TCP connections carry this WebSocket connection one behind the other, as far as "
        "the capture has them?",
        (str(len(story.legs)),),
        f"they are connections {numbers}: each proxy has one on either side",
    )
    lines = () if story.request is None else story.request.lines
    if not any(line.name.lower() == "sec-websocket-key" for line in lines):
        return
    yield Question(
        "same-key",
        f"Connections {numbers} are legs of one. Which field of the request tells so: the same in "
        "all of them, and another in every other connection?",
        ("Sec-WebSocket-Key",),
        "a client makes a new Sec-WebSocket-Key for each connection, and proxies pass it on",
    )


def _of_tls(tls: Secure, *, with_proxy: bool) -> Iterator[Question]:
    who = "client and proxy" if with_proxy else "both ends"
    if tls.version is not None:
        others = [each for each in ("TLS 1.3", "TLS 1.2", "TLS 1.1") if each != tls.version]
        yield Question(
            "tls-version",
            f"Which version of TLS did {who} agree on?",
            (),
            f"the ServerHello chooses {tls.version}",
            (tls.version, *others[:2]),
        )
    if tls.sni:
        yield Question(
            "tls-name",
            "Whoever listens can read one name in the ClientHello, although all is encrypted "
            "later. Which?",
            (tls.sni,),
            f"{tls.sni} is the server name (SNI, RFC 6066 §3), sent before there are keys",
        )
    if tls.alpn:
        yield Question(
            "tls-protocol",
            f"Which protocol did {who} agree on by ALPN, for what is inside?",
            (tls.alpn,),
            f"the server chose {tls.alpn} (RFC 7301)",
        )
    sealed = [each.name for each in tls.steps if each.sender == "server" and each.sealed]
    plain_ones = [each.name for each in tls.steps if each.sender == "server" and not each.sealed]
    if sealed and plain_ones and sealed[0] not in plain_ones:
        others = [each for each in dict.fromkeys([*plain_ones, *sealed]) if each != sealed[0]]
        yield Question(
            "tls-sealed",
            "Which message of the server is the first that came encrypted?",
            (),
            f"the messages before {sealed[0]} make the keys",
            (sealed[0], *others[:3]),
        )


def _of_http2(story: Story) -> Iterator[Question]:
    if story.http_stream is None:
        return
    yield Question(
        "h2-stream",
        "On which stream of HTTP/2 does this connection run? The number, please.",
        (str(story.http_stream),),
        f"stream {story.http_stream}; those that clients open have odd numbers (RFC 9113 §5.1.1)",
    )
    if story.request is not None:
        fields = {line.name: line.value for line in story.request.lines}
        if fields.get(":method") == "CONNECT":
            yield Question(
                "h2-method",
                "Over HTTP/1.1 the request is a GET. Which method has it here?",
                ("CONNECT",),
                "an extended CONNECT with :protocol websocket (RFC 8441 §4)",
            )
            yield Question(
                "h2-protocol",
                "Which pseudo-header field says what the stream shall carry, where HTTP/1.1 has "
                "Upgrade?",
                (":protocol", "protocol"),
                f":protocol is {fields.get(':protocol', '')} (RFC 8441 §4)",
            )


def names_of_tcp(story: Story) -> tuple[str, str] | None:
    """Return what the two ends of TCP are called, None where that does not tell them apart."""
    near, far = of_tcp(story)
    return None if near == far else (near, far)
