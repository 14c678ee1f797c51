"""What the request of a handshake must be: the HSQ checks that the heads alone decide."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import Counter
from typing import TYPE_CHECKING

from wsanalyze.websocket.addresses import public_part, without_secrets
from wsanalyze.websocket.body import body_framing
from wsanalyze.websocket.faults import Fault, Faults, shown
from wsanalyze.websocket.fields import Head, is_token, split_list

if TYPE_CHECKING:
    from wsanalyze.websocket.handshake import Handshake

# RFC 6455 §4.3: "Limited to 0-255 range, with no leading zeros".
_VERSION = re.compile("[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]")

# RFC 3986 §3.2.2 and §3.2.3: an IP literal, or a name or address of unreserved, escaped and
# sub-delim characters; and a port, which may be empty.
_HOST = re.compile(
    r"(\[[0-9A-Fa-f:.vV]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(:[0-9]*)?", re.A
)

# What HSQ-15 refers to where target and Host disagree: a proxy may have changed either of them, so
# that it is the one part of the check that is no error.
DISAGREEMENT = "RFC 9112 §3.2.2"

# What the User-Agent of every browser names: of Chromium and Safari, Firefox, Internet Explorer.
_ENGINES = ("AppleWebKit/", "Gecko/", "Trident/")

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)")

# The alphabet of base64 (RFC 4648 §4) with at most two pads at the end.
_BASE64 = re.compile("[A-Za-z0-9+/]*={0,2}")


def request_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return every rule of the request that failed."""
    faults = Faults("client")
    if not handshake.multiplexed:
        _request_line(faults, handshake)
        _target(faults, handshake.request_head)
        _host(faults, handshake.request_head)
        _upgrade(faults, handshake)
        _body(faults, handshake)
        _syntax(faults, handshake.request_head)
    if not handshake.is_hixie:
        if not handshake.multiplexed:
            _key(faults, handshake)
        _version(faults, handshake)
        # Before HyBi draft 4 the field was one string with blanks, or a list that blanks separate.
        _subprotocols(faults, handshake.request_head)
    _origin(faults, handshake)
    return faults.found()


def _request_line(faults: Faults, handshake: Handshake) -> None:
    """HSQ-01, HSQ-02: "The method of the request MUST be GET, and the HTTP version MUST be ..."."""
    head = handshake.request_head
    line = head.start_line
    if head.method != "GET":
        what = f"the method is {shown(head.method)}, not GET"
        faults.add("HSQ-01", what, "RFC 6455 §4.1 item 2", evidence=line)
    if not is_http_1_1(head):
        what = f"the HTTP version is {shown(head.http_version)}, and Upgrade needs 1.1"
        faults.add("HSQ-02", what, "RFC 6455 §4.1 item 2; RFC 9110 §7.8", evidence=line)


def is_http_1_1(head: Head) -> bool:
    """Tell whether the HTTP version of a head is 1.1 or higher."""
    version = head.http_version or ""
    return re.fullmatch("[0-9]\\.[0-9]", version) is not None and version >= "1.1"


def _target(faults: Faults, head: Head) -> None:
    """HSQ-15: the request target, and whether it agrees with Host.

    Its query, its fragment and its userinfo are where secrets are: no message shows them.
    """
    target = head.target or ""
    path = re.split("[?#]", target, maxsplit=1)[0]
    if "#" in target:
        what = f"the request target has a fragment behind {shown(public_part(path)[0])}"
        faults.add("HSQ-15", what, "RFC 6455 §3", evidence=target)
    absolute = _ABSOLUTE.match(target)
    if absolute is not None:
        _absolute(faults, head, absolute[1], absolute[2].rpartition("@")[2])
    elif not target.startswith("/"):
        sent = shown(without_secrets(path) if head.target is not None else None)
        what = f"the request target {sent} is neither a path nor an http(s) URI"
        faults.add("HSQ-15", what, "RFC 6455 §4.1 item 3; RFC 9112 §3.2", evidence=target)


def _absolute(faults: Faults, head: Head, scheme: str, authority: str) -> None:
    """HSQ-15: a target with a scheme, as clients send it to proxies."""
    target, host = head.target, head.value("host")
    if scheme.lower() not in _DEFAULT_PORTS:
        what = f"the request target is absolute, with the scheme {shown(scheme)}"
        faults.add("HSQ-15", what, "RFC 6455 §4.1 item 3", evidence=target)
    # The usual port may be written or not: it is the same authority (RFC 9110 §4.2.3).
    port = _DEFAULT_PORTS.get(scheme.lower(), ":80")
    named = [name.lower().removesuffix(port) for name in (authority, host or "")]
    if host is not None and named[0] != named[1]:
        what = f"the request target names {shown(authority)}, Host names {shown(host)}"
        faults.add("HSQ-15", what, DISAGREEMENT, field="Host", evidence=host)


def _host(faults: Faults, head: Head) -> None:
    """HSQ-03: one Host, and that host[:port]."""
    hosts = head.values("host")
    section = "RFC 6455 §4.1 item 4; RFC 9112 §3.2"
    what = None
    if not hosts:
        what = "there is no Host"
    elif len(hosts) > 1:
        what = f"there are {len(hosts)} Host fields"
    elif not hosts[0]:
        what = "Host is empty"
    elif not _HOST.fullmatch(hosts[0]):
        what = f"Host {shown(hosts[0])} is not host[:port]"
    if what:
        faults.add("HSQ-03", what, section, field="Host", evidence=", ".join(hosts))


def _upgrade(faults: Faults, handshake: Handshake) -> None:
    """HSQ-04, HSQ-05, HSQ-20, HSQ-21: Upgrade and Connection."""
    head = handshake.request_head
    protocols = head.tokens("upgrade")
    if not handshake.request.names_websocket:
        what = "there is no Upgrade"
        if head.count("upgrade"):
            what = f"Upgrade is {shown(head.value('upgrade'))} and does not name websocket"
        section = "RFC 6455 §4.1 item 5"
        faults.add("HSQ-04", what, section, field="Upgrade", evidence=", ".join(protocols))
        carries = head.count("sec-websocket-key") or head.count("sec-websocket-version")
        if not protocols and head.method == "GET" and carries:
            what = "Sec-WebSocket-* without Upgrade: taken away on the way, most likely"
            faults.add("HSQ-20", what, "RFC 9110 §7.6.1", field="Upgrade")
    elif len(protocols) > 1 or protocols[0].lower() != "websocket":
        more = "more than websocket" if len(protocols) > 1 else "a version of websocket"
        what = f"Upgrade names {more}: {shown(', '.join(protocols))}"
        evidence = ", ".join(protocols)
        faults.add("HSQ-21", what, "RFC 9110 §7.8", field="Upgrade", evidence=evidence)
    if not head.has_token("connection", "upgrade"):
        options = ", ".join(head.values("connection"))
        what = "there is no Connection"
        if head.count("connection"):
            what = f"Connection is {shown(options)} and does not list Upgrade"
        section = "RFC 6455 §4.1 item 6; RFC 9110 §7.8"
        faults.add("HSQ-05", what, section, field="Connection", evidence=options)


def _key(faults: Faults, handshake: Handshake) -> None:
    """HSQ-06 to HSQ-08: one key, a "16-byte value that has been base64-encoded"."""
    name = "Sec-WebSocket-Key"
    keys = handshake.request_head.values(name)
    if not keys:
        section = "RFC 6455 §4.1 item 7, §4.2.1 item 5"
        faults.add("HSQ-06", f"there is no {name}", section, field=name)
        return
    if len(keys) > 1:
        what = f"{name} appears {len(keys)} times"
        faults.add("HSQ-08", what, "RFC 6455 §11.3.1", field=name, evidence=", ".join(keys))
    mistake = key_mistake(keys[0])
    if mistake is not None:
        what = f"{name} {shown(keys[0])} {mistake}"
        section = "RFC 6455 §4.1 item 7, §4.2.1 item 5; RFC 4648 §4"
        faults.add("HSQ-07", what, section, field=name, evidence=keys[0])


def key_mistake(key: str) -> str | None:
    """Say why `key` is not sixteen bytes in base64 (RFC 4648 §4), or None where it is."""
    if not _BASE64.fullmatch(key):
        return "is not base64"
    if len(key) % 4:
        characters = "1 character is" if len(key) == 1 else f"{len(key)} characters are"
        return f"is base64 of the wrong length: {characters} no multiple of 4"
    decoded = b64decode(key)
    if len(decoded) != 16:
        return f"is {len(decoded)} byte{'' if len(decoded) == 1 else 's'} in base64, not 16"
    if b64encode(decoded).decode("ascii") != key:
        # RFC 4648 §3.5. RFC 6455's own example in §4.1 item 7 has this mistake.
        return "has unused bits that are not zero"
    return None


def _version(faults: Faults, handshake: Handshake) -> None:
    """HSQ-09, HSQ-10: Sec-WebSocket-Version, once, and 13."""
    name = "Sec-WebSocket-Version"
    versions = handshake.request_head.values(name)
    if not versions or versions[0] != "13":
        what = f"{name} is {shown(versions[0])}, not 13" if versions else f"there is no {name}"
        evidence = ", ".join(versions)
        section = "RFC 6455 §4.1 item 9, §4.4"
        faults.add("HSQ-09", what, section, field=name, evidence=evidence)
    if len(versions) > 1:
        what = f"{name} appears {len(versions)} times in the request"
        faults.add("HSQ-10", what, "RFC 6455 §11.3.5", field=name, evidence=", ".join(versions))
    for version in versions:
        if not _VERSION.fullmatch(version):
            what = f"{name} {shown(version)} is not a number from 0 to 255 without leading zeros"
            faults.add("HSQ-10", what, "RFC 6455 §4.3", field=name, evidence=version)


def _subprotocols(faults: Faults, head: Head) -> None:
    """HSQ-11: "non-empty strings ... and MUST all be unique strings"."""
    name = "Sec-WebSocket-Protocol"
    lines = head.values(name)
    elements = [element for line in lines for element in split_list(line)]
    mistakes = []
    if "" in elements:
        mistakes.append("an empty element")
    mistakes += [f"{shown(e)}, which is no token" for e in elements if e and not is_token(e)][:5]
    repeated = [element for element, count in Counter(elements).items() if count > 1 and element]
    mistakes += [f"{shown(element)} more than once" for element in repeated]
    if mistakes:
        what = f"{name} holds {', '.join(mistakes[:5])}"
        section = "RFC 6455 §4.1 item 10; RFC 9110 §5.6.1"
        faults.add("HSQ-11", what, section, field=name, evidence=", ".join(lines))


def _says_browser(agent: str) -> bool:
    """Say whether a User-Agent names the engine of a browser.

    `Mozilla/5.0 (` alone is written by libraries, too, as those of Tcl and PowerShell.
    """
    return agent.startswith("Mozilla/5.0 (") and any(engine in agent for engine in _ENGINES)


def _origin(faults: Faults, handshake: Handshake) -> None:
    """HSQ-13, HSQ-14: what a browser always sends, and what a client never does."""
    head = handshake.request_head
    agent = handshake.user_agent or ""
    mode = head.value("sec-fetch-mode") or ""
    # Node's client sends Sec-Fetch-Mode too, and says that it is none.
    browser = _says_browser(agent) or (not agent and mode.lower() == "websocket")
    if browser and handshake.origin is None:
        field = "User-Agent" if agent else "Sec-Fetch-Mode"
        what = f"there is no Origin, which browsers always send: {field} says that one sent this"
        section = "RFC 6455 §4.1 item 8"
        faults.add("HSQ-13", what, section, field=field, evidence=agent or mode)
    accept = head.value("sec-websocket-accept")
    if accept is not None:
        what = "the request carries Sec-WebSocket-Accept, which only a server sends"
        section = "RFC 6455 §11.3.3"
        faults.add("HSQ-14", what, section, field="Sec-WebSocket-Accept", evidence=accept)


def _body(faults: Faults, handshake: Handshake) -> None:
    """HSQ-16: a body in front of the switch."""
    head = handshake.request_head
    framing = body_framing(None, head)
    if framing.kind == "none" and not framing.oddities:
        return
    if framing.kind == "length" and framing.length == 0 and not framing.oddities:
        return
    field = "Transfer-Encoding" if head.count("transfer-encoding") else "Content-Length"
    evidence = ", ".join(head.values(field))
    what = f"the request announces a body, {field} {shown(evidence)}, in front of the switch"
    section = "RFC 9110 §7.8, §9.3.1; RFC 9112 §6"
    faults.add("HSQ-16", what, section, field=field, evidence=evidence)


# What the codes of oddities mean, for whoever does not know them.
_SYNTAX_WORDS = {
    "bad-start-line": "the start line is not method, target, version with a blank between",
    "leading-whitespace": "there is whitespace in front of the first field",
    "bare-lf": "a line ends with LF alone, without CR",
    "bare-cr": "there is a CR that no LF follows",
    "obs-fold": "a field's value goes on in the next line",
    "no-colon": "a line has no colon, and is no field",
    "empty-name": "there is nothing in front of a line's colon",
    "bad-name": "a field's name has characters that no name may have",
    "space-before-colon": "there is whitespace between a field's name and its colon",
    "nul": "there is a NUL",
    "control": "there is a control character",
    "incomplete": "the empty line at the end is missing",
}

_SYNTAX_SECTIONS = {
    "bad-start-line": "RFC 9112 §3",
    "leading-blank-line": "RFC 9112 §2.2",
    "leading-whitespace": "RFC 9112 §2.2",
    "bare-lf": "RFC 9112 §2.2",
    "bare-cr": "RFC 9112 §2.2",
    "obs-fold": "RFC 9112 §5.2",
    "no-colon": "RFC 9112 §5",
    "empty-name": "RFC 9112 §5",
    "bad-name": "RFC 9112 §5; RFC 9110 §5.1",
    "space-before-colon": "RFC 9112 §5.1",
    "nul": "RFC 9110 §5.5",
    "control": "RFC 9110 §5.5",
    "incomplete": "RFC 9112 §2.1",
}


def _syntax(faults: Faults, head: Head) -> None:
    """HSQ-18: the grammar of the head; one fault a kind of oddity, with how often it occurs."""
    counts: dict[str, int] = {}
    for oddity in head.oddities:
        counts[oddity.code] = counts.get(oddity.code, 0) + 1
    for code, section in _SYNTAX_SECTIONS.items():
        # §2.2: a server "SHOULD ignore at least one empty line" in front of the start line.
        if code not in counts or code == "leading-blank-line":
            continue
        first = next(oddity for oddity in head.oddities if oddity.code == code)
        times = f" ({counts[code]} times)" if counts[code] > 1 else ""
        what = f"{_SYNTAX_WORDS[code]} ({code}), at byte {first.offset} of the head{times}"
        faults.add("HSQ-18", what, section, evidence=first.evidence.decode("latin-1"))
