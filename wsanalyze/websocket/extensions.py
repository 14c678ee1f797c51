"""Extension elements of Sec-WebSocket-Extensions, and what permessage-deflate came to.

RFC 6455 §9.1 (syntax), RFC 7692 §7.1 (permessage-deflate), and the per-frame compression that
browsers spoke before it (draft-tyoshino-hybi-websocket-perframe-deflate).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wsanalyze.websocket.fields import Oddity, is_token, quoted_end, split_list, unquoted

PERMESSAGE_DEFLATE = "permessage-deflate"
DEFLATE_FRAME = ("x-webkit-deflate-frame", "deflate-frame")

# The LZ77 window that holds where nothing is said: 32 KiB (RFC 7692 §7.1.2).
DEFAULT_WINDOW_BITS = 15

_WINDOW_BITS = re.compile("0*([89]|1[0-5])")


class Parameter(NamedTuple):
    """One parameter of an extension; `value` is None without `=`, and unquoted where `quoted`."""

    name: str
    value: str | None
    quoted: bool


@dataclass(frozen=True, slots=True)
class Extension:
    """One element of Sec-WebSocket-Extensions (RFC 6455 §9.1).

    `text` is the element as sent. Oddity codes, offsets within `text`: `bad-name` (no token),
    `empty-parameter`, `bad-parameter-name`, `empty-value`, `bad-value` (no token),
    `quoted-not-token`, `unterminated-quote`, `text-after-quote`.
    """

    text: str
    name: str
    parameters: tuple[Parameter, ...]
    oddities: tuple[Oddity, ...]

    def values(self, name: str) -> list[str | None]:
        """Return the values of all parameters of that name, in order."""
        return [parameter.value for parameter in self.parameters if parameter.name == name]

    def has(self, name: str) -> bool:
        """Tell whether there is a parameter of that name."""
        return any(parameter.name == name for parameter in self.parameters)

    @property
    def is_permessage_deflate(self) -> bool:
        """Whether this is RFC 7692's extension."""
        return self.name.lower() == PERMESSAGE_DEFLATE

    @property
    def is_deflate_frame(self) -> bool:
        """Whether this is the per-frame compression from before RFC 7692."""
        return self.name.lower() in DEFLATE_FRAME

    @property
    def claims_rsv1(self) -> bool:
        """Whether frames use RSV1 for this extension, as all known compressions do."""
        return self.is_deflate_frame or self.name.lower().startswith("permessage-")


@dataclass(frozen=True, slots=True)
class Deflate:
    """The compression that a handshake agreed on, as the response has it.

    `kind` is `permessage-deflate` (RSV1 of a message's first frame, RFC 7692 §6) or
    `deflate-frame` (RSV1 of each frame); `name` is as sent. Window bits are 8 to 15. What a
    response without a usable value leaves open has the default, and an oddity (offset within the
    element) says so: `bad-server_max_window_bits`, `bad-client_max_window_bits`, `not-offered`.
    """

    kind: str
    name: str
    server_no_context_takeover: bool
    client_no_context_takeover: bool
    server_max_window_bits: int
    client_max_window_bits: int
    oddities: tuple[Oddity, ...]


def split_elements(values: Iterable[str]) -> list[str]:
    """Return every extension with its parameters as sent, over all field lines (§9.1).

    Commas in quoted strings do not separate; empty elements are left out.
    """
    return [element for value in values for element in split_list(value) if element]


def parse(element: str) -> Extension:
    """Read one element: `extension-token *( ";" extension-param )` (§9.1), whatever it holds."""
    name, *rest = split_list(element, ";")
    oddities = [] if is_token(name) else [Oddity("bad-name", 0, _bytes(name))]
    parameters = []
    offset = len(name)
    for text in rest:
        # Between two parts stand one semicolon and whitespace, so that both finds succeed.
        offset = element.find(";", offset) + 1
        offset = element.find(text, offset)
        if not text:
            oddities.append(Oddity("empty-parameter", offset, b""))
            continue
        parameter, codes = _parse_parameter(text)
        parameters.append(parameter)
        oddities += [Oddity(code, offset, _bytes(text)) for code in codes]
        offset += len(text)
    return Extension(element, name, tuple(parameters), tuple(oddities))


def _parse_parameter(text: str) -> tuple[Parameter, list[str]]:
    """Read `token [ "=" ( token | quoted-string ) ]` (§9.1); return it and codes of oddities."""
    name, equals, value = (part.strip(" \t") for part in text.partition("="))
    codes = [] if is_token(name) else ["bad-parameter-name"]
    if not equals:
        return Parameter(name, None, False), codes
    if not value.startswith('"'):
        if not is_token(value):
            codes.append("bad-value" if value else "empty-value")
        return Parameter(name, value, False), codes
    end = quoted_end(value, 0)
    inner = unquoted(value if end < 0 else value[:end])
    if end < 0:
        codes.append("unterminated-quote")
    elif end < len(value):
        codes.append("text-after-quote")
    # §9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
    if not is_token(inner):
        codes.append("quoted-not-token")
    return Parameter(name, inner, True), codes


def negotiated(offers: Sequence[str], responses: Sequence[str]) -> Deflate | None:
    """Return the compression that the response chose, or None (RFC 7692 §5, §7.1).

    Both are elements as `split_elements` returns them. The first compression of the response
    counts, offered or not, because both ends will use it; faults in its parameters are tolerated.
    """
    for text in responses:
        response = parse(text)
        if response.is_permessage_deflate:
            return _permessage_deflate([parse(offer) for offer in offers], response)
        if response.is_deflate_frame:
            return _deflate_frame([parse(offer) for offer in offers], response)
    return None


def window_bits(value: str | None) -> int | None:
    """Return the window bits that a parameter's value means, 8 to 15, or None where it is bad.

    RFC 7692 §7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15 inclusive";
    leading zeros are tolerated here, and `valid_window_bits` tells.
    """
    match = _WINDOW_BITS.fullmatch(value) if value is not None else None
    return int(match.group(1)) if match else None


def valid_window_bits(value: str | None) -> bool:
    """Tell whether a parameter's value is 8 to 15 without leading zeros (RFC 7692 §7.1.2.1)."""
    return window_bits(value) is not None and value is not None and not value.startswith("0")


def _permessage_deflate(offers: list[Extension], response: Extension) -> Deflate:
    oddities = []
    if not any(offer.is_permessage_deflate for offer in offers):
        oddities.append(Oddity("not-offered", 0, _bytes(response.text)))
    bits = {}
    for side in ("server", "client"):
        name = f"{side}_max_window_bits"
        values = response.values(name)
        found = window_bits(values[0]) if values else DEFAULT_WINDOW_BITS
        if found is None:
            oddities.append(Oddity(f"bad-{name}", response.text.find(name), _bytes(response.text)))
        bits[side] = found or DEFAULT_WINDOW_BITS
    return Deflate(
        PERMESSAGE_DEFLATE,
        response.name,
        response.has("server_no_context_takeover"),
        response.has("client_no_context_takeover"),
        bits["server"],
        bits["client"],
        tuple(oddities),
    )


def _deflate_frame(offers: list[Extension], response: Extension) -> Deflate:
    """Each side's parameters limit what the *other* side sends (perframe-deflate draft, §4)."""
    offer = next((o for o in offers if o.name.lower() == response.name.lower()), None)
    oddities = []
    if offer is None:
        oddities.append(Oddity("not-offered", 0, _bytes(response.text)))
    bits = []
    for side, extension in (("server", offer), ("client", response)):
        values = extension.values("max_window_bits") if extension else []
        found = window_bits(values[0]) if values else DEFAULT_WINDOW_BITS
        if found is None and extension is not None:
            code = f"bad-{side}_max_window_bits"
            oddities.append(Oddity(code, 0, _bytes(extension.text)))
        bits.append(found or DEFAULT_WINDOW_BITS)
    return Deflate(
        "deflate-frame",
        response.name,
        offer is not None and offer.has("no_context_takeover"),
        response.has("no_context_takeover"),
        bits[0],
        bits[1],
        tuple(oddities),
    )


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")[:80]
