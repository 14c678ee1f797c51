"""Private keys in PEM that are none of RSA, or of a kind that nobody has heard of."""

from __future__ import annotations

import pytest

pytest.importorskip("cryptography")

from wsanalyze.tls.rsa_keys import loaded

# Of the curve prime239v1, which is not supported.
ODD = b"""-----BEGIN PRIVATE KEY-----
MIGBAgEAMBMGByqGSM49AgEGCCqGSM49AwEEBGcwZQIBAQQeZ2Zlw1qmTM6/Cyup
2xQD0534LXI5s4NlLJ1qyZ3uoUADPgAEH7z83B6DhWQcyEFByzTLgzqY+LEcjLer
Aww1MZCoADSGirdhRCGWlhnnwlvazSOhZFEJb3FQbD6/hfly
-----END PRIVATE KEY-----
"""


@pytest.mark.parametrize("pem", [ODD, b"", ODD[:100], ODD.replace(b"M", b"N")])
def test_what_is_no_key_of_rsa_is_left_out(pem: bytes) -> None:
    assert loaded([pem]) == []
