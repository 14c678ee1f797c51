"""JA3 and JA4 of a ClientHello: what kind of software it is, whoever runs it.

JA3 as Salesforce published it in 2017, JA4 as FoxIO did in 2023 (technical_details/JA4.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from wsanalyze.tls.hellos import ALPN, SERVER_NAME, ClientHello, is_grease

JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
NOTHING = "000000000000"


def ja3_text(hello: ClientHello) -> str:
    """Return what JA3 hashes: version, suites, extensions, groups, point formats."""
    kinds = (kind for kind, _ in hello.extensions)
    lists = (hello.suites, kinds, hello.groups, hello.point_formats)
    return ",".join((str(hello.version), *(_decimals(each) for each in lists)))


def ja3(hello: ClientHello) -> str:
    """Return the JA3 hash, 32 hex digits."""
    return hashlib.md5(ja3_text(hello).encode(), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello) -> str:
    """Return the JA4 fingerprint, as `t13d1516h2_8daaf6152771_e5627efa2ab1`."""
    suites = [each for each in hello.suites if not is_grease(each)]
    kinds = [kind for kind, _ in hello.extensions if not is_grease(kind)]
    offered = [each for each in hello.versions if not is_grease(each)]
    version = JA4_VERSIONS.get(max(offered, default=0), "00")
    name = "d" if SERVER_NAME in kinds else "i"
    counts = f"{min(len(suites), 99):02d}{min(len(kinds), 99):02d}"
    sorted_kinds = sorted(each for each in kinds if each not in (SERVER_NAME, ALPN))
    extensions = _hexadecimals(sorted_kinds)
    if hello.signatures:
        extensions += "_" + _hexadecimals(each for each in hello.signatures if not is_grease(each))
    return "_".join(
        (
            f"t{version}{name}{counts}{_protocol(hello)}",
            _short(_hexadecimals(sorted(suites))) if suites else NOTHING,
            _short(extensions) if sorted_kinds else NOTHING,
        )
    )


def _protocol(hello: ClientHello) -> str:
    """Return the first and last character of the first protocol that is offered."""
    first = hello.alpn[0].encode("latin-1") if hello.alpn else b""
    if not first:
        return "00"
    ends = bytes((first[0], first[-1]))
    if ends.isalnum():
        return ends.decode("ascii")
    digits = first.hex()
    return digits[0] + digits[-1]


def _decimals(numbers: Iterable[int]) -> str:
    return "-".join(str(each) for each in numbers if not is_grease(each))


def _hexadecimals(numbers: Iterable[int]) -> str:
    return ",".join(f"{each:04x}" for each in numbers)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
