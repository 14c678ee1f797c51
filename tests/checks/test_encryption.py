"""TLS around WebSocket: violated, nearly violated, not to be known."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    connection,
    ending,
    found,
    handshake,
    observed,
    seen_from_the_middle,
)
from wsanalyze.checks import encryption
from wsanalyze.checks.capture_quality import no_handshake
from wsanalyze.checks.closing import cut_without_close
from wsanalyze.checks.coverage import coverage_of
from wsanalyze.checks.proxies import one_direction
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection

NAME = "CN=chat.example"
YEAR = 365 * 86_400 * 1_000_000_000


def inside(request: bytes = REQUEST, **facts: object) -> Connection:
    """A connection inside TLS with these facts."""
    record = connection(handshake(request), scheme="wss")
    record.tls = TlsConnection(
        0, 0, "192.0.2.1", 50000, "198.51.100.2", 443, record.started, decrypted=True
    )
    for name, value in facts.items():
        setattr(record.tls, name, value)
    return record


class TestOldVersion:
    """TLS-01."""

    @pytest.mark.parametrize("version", ["SSL 3.0", "TLS 1.0", "TLS 1.1"])
    def test_old(self, version: str) -> None:
        [finding] = found(encryption.old_version, inside(version=version))
        assert finding.message == f"both ends speak {version}"
        assert (finding.severity, finding.sender) == ("warning", "server")

    @pytest.mark.parametrize("version", ["TLS 1.2", "TLS 1.3", None])
    def test_not_old(self, version: str | None) -> None:
        assert found(encryption.old_version, inside(version=version)) == []

    def test_without_tls(self) -> None:
        assert found(encryption.old_version, connection()) == []


class TestWeakSuite:
    """TLS-02."""

    @pytest.mark.parametrize(
        "cipher",
        [
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
            "TLS_RSA_WITH_NULL_SHA256",
            "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
            "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
        ],
    )
    def test_weak(self, cipher: str) -> None:
        [finding] = found(encryption.weak_suite, inside(cipher=cipher))
        assert finding.message == f"the cipher suite {cipher} is weak"
        assert finding.severity == "warning"

    @pytest.mark.parametrize(
        "cipher", ["TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256"]
    )
    def test_no_forward_secrecy(self, cipher: str) -> None:
        [finding] = found(encryption.weak_suite, inside(cipher=cipher))
        assert finding.message == f"the cipher suite {cipher} has no forward secrecy"
        assert finding.severity == "info"

    @pytest.mark.parametrize(
        "cipher",
        [
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
            "TLS_CHACHA20_POLY1305_SHA256",
            "0xfafa",
            None,
        ],
    )
    def test_not_weak(self, cipher: str | None) -> None:
        assert found(encryption.weak_suite, inside(cipher=cipher)) == []


class TestCertificateOutOfDate:
    """TLS-03."""

    def dated(self, before: int | None, after: int | None) -> Connection:
        record = inside(certificate_subject=NAME)
        assert record.tls is not None
        record.tls.not_before = None if before is None else record.started + before
        record.tls.not_after = None if after is None else record.started + after
        return record

    def test_expired(self) -> None:
        [finding] = found(encryption.certificate_out_of_date, self.dated(-YEAR, -1))
        assert finding.message == "the certificate had expired less than a day before"
        assert finding.evidence == NAME

    def test_the_packet_is_that_of_the_certificate(self) -> None:
        record = self.dated(-YEAR, -1)
        assert record.tls is not None
        record.tls.hello_at, record.tls.certificate_at = (5, 6), (7, 8)
        [finding] = found(encryption.certificate_out_of_date, record)
        assert (finding.time, finding.packet) == (7, 8)

    def test_not_yet(self) -> None:
        [finding] = found(encryption.certificate_out_of_date, self.dated(YEAR, 2 * YEAR))
        assert finding.message == "the certificate is valid from 365 days later on"

    @pytest.mark.parametrize(
        ("before", "after"), [(0, 0), (-YEAR, YEAR), (None, None), (-YEAR, None)]
    )
    def test_valid_or_not_known(self, before: int | None, after: int | None) -> None:
        assert found(encryption.certificate_out_of_date, self.dated(before, after)) == []

    def test_without_tls(self) -> None:
        assert found(encryption.certificate_out_of_date, connection()) == []


class TestSelfSigned:
    """TLS-04."""

    def test_itself(self) -> None:
        record = inside(certificate_subject=NAME, certificate_issuer=NAME)
        [finding] = found(encryption.self_signed, record)
        assert (finding.severity, finding.evidence) == ("info", NAME)

    @pytest.mark.parametrize(
        ("subject", "issuer"), [(NAME, "CN=Authority"), (None, None), ("", "")]
    )
    def test_others(self, subject: str | None, issuer: str | None) -> None:
        record = inside(certificate_subject=subject, certificate_issuer=issuer)
        assert found(encryption.self_signed, record) == []

    def test_one_certificate_of_a_server_is_one_finding_with_a_count(self) -> None:
        one = {"certificate_subject": NAME, "certificate_issuer": NAME, "not_after": YEAR}
        records = [inside(**one) for _ in range(3)]
        [finding] = found(encryption.self_signed, *records)
        assert (finding.count, finding.connection) == (3, records[0].serial)
        assert finding.message == (
            "the certificate's issuer is its subject: the server signed it itself; "
            "3 connections have this certificate"
        )
        [alone] = found(encryption.self_signed, records[0])
        assert alone.message == (
            "the certificate's issuer is its subject: the server signed it itself"
        )

    @pytest.mark.parametrize(
        "other",
        [{"not_after": 2 * YEAR}, {"certificate_subject": "CN=b", "certificate_issuer": "CN=b"}],
    )
    def test_another_certificate_is_another_finding(self, other: dict[str, object]) -> None:
        one = {"certificate_subject": NAME, "certificate_issuer": NAME, "not_after": YEAR}
        assert len(found(encryption.self_signed, inside(**one), inside(**(one | other)))) == 2

    def test_another_server_is_another_finding(self) -> None:
        one = {"certificate_subject": NAME, "certificate_issuer": NAME}
        elsewhere = inside(**one)
        elsewhere.server_ip = "203.0.113.9"
        assert len(found(encryption.self_signed, inside(**one), elsewhere)) == 2
        # But for one that both call by its name.
        named = inside(**one, sni="chat.example"), inside(**one, sni="chat.example")
        named[1].server_ip = "203.0.113.9"
        assert len(found(encryption.self_signed, *named)) == 1

    def test_one_that_had_expired_is_told_once(self) -> None:
        old = {"certificate_subject": NAME, "not_after": -1}
        [finding] = found(encryption.certificate_out_of_date, inside(**old), inside(**old))
        assert (finding.count, finding.severity) == (2, "warning")


class TestHostIsNotSni:
    """TLS-05."""

    def asked(self, host: str, sni: str | None) -> Connection:
        return inside(REQUEST.replace(b"example.com", host.encode()), sni=sni)

    def test_another(self) -> None:
        [finding] = found(encryption.host_is_not_sni, self.asked("hidden.example", "front.example"))
        assert finding.message == (
            "TLS was asked for 'front.example', the request for 'hidden.example'"
        )
        assert (finding.sender, finding.packet) == ("client", 4)

    @pytest.mark.parametrize(
        ("host", "sni"),
        [
            ("a.example", "a.example"),
            ("A.Example:8443", "a.example"),
            ("a.example.", "a.example"),
            ("[2001:db8::1]:443", None),
            ("192.0.2.1", None),
        ],
    )
    def test_the_same_or_none(self, host: str, sni: str | None) -> None:
        assert found(encryption.host_is_not_sni, self.asked(host, sni)) == []

    def test_from_the_middle(self) -> None:
        record = seen_from_the_middle()
        record.tls = inside(sni="a.example").tls
        assert found(encryption.host_is_not_sni, record) == []


class TestInterception:
    """PRX-19."""

    @pytest.mark.parametrize(
        "issuer",
        [
            "C=US,ST=California,O=Zscaler Inc.,OU=Zscaler Inc.,CN=Zscaler Intermediate Root CA",
            "O=mitmproxy,CN=mitmproxy",
            "C=PortSwigger,O=PortSwigger,CN=PortSwigger CA",
            "O=Fortinet,CN=FortiGate CA",
            "O=AO Kaspersky Lab,CN=Kaspersky Anti-Virus Personal Root Certificate",
        ],
    )
    def test_inspectors(self, issuer: str) -> None:
        [finding] = found(encryption.interception, inside(certificate_issuer=issuer))
        assert finding.message.endswith("which opens TLS")
        assert (finding.severity, finding.evidence) == ("warning", issuer)

    @pytest.mark.parametrize(
        "issuer", ["C=US,O=Let's Encrypt,CN=R11", "CN=Charles", "O=Stavgard Oy", None, ""]
    )
    def test_others(self, issuer: str | None) -> None:
        assert found(encryption.interception, inside(certificate_issuer=issuer)) == []

    def test_without_tls(self) -> None:
        assert found(encryption.interception, connection()) == []


class TestChangedRecord:
    """TLS-06."""

    def test_one_and_several(self) -> None:
        place = ("server", 4 * 10**9, 12)
        [finding] = found(encryption.changed_record, inside(forged=1, first_forged=place))
        assert finding.message == "a record does not authenticate: changed or forged"
        assert (finding.severity, finding.sender, finding.time, finding.packet) == (
            "warning",
            *place,
        )
        [finding] = found(encryption.changed_record, inside(forged=3, first_forged=place))
        assert finding.message == "3 records do not authenticate: changed or forged"

    def test_none_for_sure(self) -> None:
        assert found(encryption.changed_record, inside(bad_records=4)) == []
        assert found(encryption.changed_record, connection()) == []


class TestNoCloseNotify:
    """TLS-07."""

    def ended(self, ended_by: str, **more: object) -> Connection:
        record = inside(**more)
        record.ended_by = ended_by
        return record

    @pytest.mark.parametrize("role", ["client", "server"])
    def test_cut(self, role: str) -> None:
        [finding] = found(encryption.no_close_notify, self.ended(f"{role}-fin"))
        assert finding.message == f"the {role} closed TCP without a close_notify"
        assert (finding.severity, finding.sender) == ("info", role)
        other = "client" if role == "server" else "server"
        assert found(encryption.no_close_notify, self.ended(f"{role}-fin", notified=(other,)))

    def test_of_a_session_that_was_cut_another_check_tells(self) -> None:
        """Whoever exits, or throws the socket away, sends neither a Close nor a close_notify."""
        record = self.ended("server-fin")
        record.server_frames = 2
        record.observation = observed(endings=[ending("server")])
        assert found(encryption.no_close_notify, record) == []
        [cut] = found(cut_without_close, record)
        assert "TLS was not ended (no close_notify)" in cut.message

    def test_the_place_is_that_of_the_fin(self) -> None:
        record = self.ended("server-fin")
        record.outcome = "refused"
        record.observation = observed(endings=[ending("server")])
        [finding] = found(encryption.no_close_notify, record)
        assert (finding.packet, finding.evidence) == (ending("server").packet, "FIN")

    def test_closed_as_it_should(self) -> None:
        said = self.ended("server-fin", notified=("server",))
        assert found(encryption.no_close_notify, said) == []
        for how in ("client-close", "server-rst", "capture-end", "evicted"):
            assert found(encryption.no_close_notify, self.ended(how)) == []
        assert found(encryption.no_close_notify, self.ended("client-fin", alert=80)) == []

    def test_not_to_be_known(self) -> None:
        for more in ({"decrypted": False}, {"reason": "no secret for what the server sent"}):
            assert found(encryption.no_close_notify, self.ended("server-fin", **more)) == []
        record = self.ended("server-fin")
        record.server_lost_bytes = 9
        assert found(encryption.no_close_notify, record) == []
        record = self.ended("server-fin")
        record.http_stream = 1
        assert found(encryption.no_close_notify, record) == []
        assert found(encryption.no_close_notify, connection(ended_by="server-fin")) == []


class TestImpossibleChoice:
    """TLS-08."""

    def test_each_is_told(self) -> None:
        said = ("the version TLS 1.0 was not offered", "another")
        findings = found(encryption.impossible_choice, inside(disagreements=said))
        assert [each.message for each in findings] == list(said)

    def test_none(self) -> None:
        assert found(encryption.impossible_choice, inside()) == []
        assert found(encryption.impossible_choice, connection()) == []


class TestSealedSide:
    """TLS-09."""

    def test_no_secret_for_an_end(self) -> None:
        [finding] = found(encryption.sealed_side, inside(client_sealed=1, keyless=("client",)))
        assert finding.message == (
            "1 byte of the client was not decrypted: there is no secret for it"
        )
        assert (finding.sender, finding.severity, finding.coverage) == ("client", "info", "gap")

    def test_a_secret_that_does_not_fit(self) -> None:
        findings = found(encryption.sealed_side, inside(client_sealed=20, server_sealed=3000))
        assert [each.message for each in findings] == [
            "20 bytes of the client were not decrypted: no key that is known opens them",
            "3000 bytes of the server were not decrypted: no key that is known opens them",
        ]

    def test_all_was_read_or_it_was_changed(self) -> None:
        assert found(encryption.sealed_side, connection()) == []
        assert found(encryption.sealed_side, inside()) == []
        assert found(encryption.sealed_side, inside(client_sealed=9, decrypted=False)) == []
        changed = inside(client_sealed=9, forged=1, first_forged=("client", 5, 6))
        assert found(encryption.sealed_side, changed) == []

    def test_nothing_is_said_about_an_end_that_stays_closed(self) -> None:
        """Its request or its response is in the capture, for whoever has the secret."""
        record = inside(server_sealed=300, keyless=("server",))
        record.outcome, record.request_packet = "unseen", 7
        assert found(no_handshake, record) == []
        assert coverage_of(record) == "gap"
        record.client_frames = 3
        assert found(one_direction, record) == []
