"""Security by what messages carry: request lines, secrets, tunnels, beacons, outflow."""

from __future__ import annotations

from checks.given import REQUEST, SECOND, connection, event, found, handshake, observed, with_fields
from wsanalyze.checks import security_messages as sent
from wsanalyze.observation import INNER, SECRETS, Side, Spread

LINE = b"GET /evil.js HTTP/1.1\r\nHost: a"


class TestOnTheWire:
    def test_a_request_line(self) -> None:
        record = connection(observation=observed(event("http-on-wire", payload=LINE)))
        (finding,) = found(sent.request_line_on_the_wire, record)
        assert finding.message == "the payload is on the wire as 'GET /evil.js HTTP/1.1'"
        assert (finding.severity, finding.packet, finding.frame) == ("error", 8, 2)

    def test_within_tls_no_proxy_sees_it(self) -> None:
        observation = observed(event("http-on-wire", payload=LINE))
        record = connection(scheme="wss", observation=observation)
        assert found(sent.request_line_on_the_wire, record) == []


class TestSecrets:
    def test_one_in_a_message_is_named_and_not_shown(self) -> None:
        place = SECRETS.index("AWS access key")
        secret = event("secret", payload=b"AKIAIOSFODNN7EXAMPLE", value=place)
        record = connection(observation=observed(secret))
        (finding,) = found(sent.secret_in_message, record)
        assert finding.message == "a message of the client seems to hold a secret: AWS access key"
        assert (finding.evidence or "").startswith("AKIA… (20 characters, SHA-256 ")
        (shown,) = found(sent.secret_in_message, record, show_secrets=True)
        assert shown.evidence == "AKIAIOSFODNN7EXAMPLE"

    def test_one_that_comes_again_is_told_once(self) -> None:
        """An echo sends it back; an application sends it with each message."""
        place = SECRETS.index("password field")
        sent_back = [
            event("secret", sender, payload=b'"password":"hunter22"', value=place, packet=packet)
            for sender, packet in (("client", 8), ("server", 9), ("client", 10))
        ]
        other = event("secret", payload=b'"password":"another1"', value=place, packet=11)
        record = connection(observation=observed(*sent_back, other))
        first, second = found(sent.secret_in_message, record)
        assert first.message == (
            "3 messages of the client and the server seem to hold a secret: password field"
        )
        assert (first.packet, first.count) == (8, 1)
        assert (second.packet, second.message) == (
            11,
            "a message of the client seems to hold a secret: password field",
        )

    def test_over_wss_nobody_reads_it(self) -> None:
        record = connection(scheme="wss", observation=observed(event("secret", payload=b"x" * 20)))
        assert found(sent.secret_in_message, record) == []


class TestInside:
    def test_a_banner(self) -> None:
        banner = event("inner-protocol", "server", payload=b"SSH-2.0-x", value=INNER.index("SSH"))
        record = connection(observation=observed(banner, banner))
        (finding,) = found(sent.protocol_inside, record)
        assert finding.message == "a message of the server begins as SSH does"
        assert finding.severity == "warning"

    def test_a_handshake_of_a_tunnel(self) -> None:
        shake = handshake(with_fields(REQUEST, "Sec-WebSocket-Protocol: chisel-v3"))
        (finding,) = found(sent.protocol_inside, connection(shake))
        assert finding.message.endswith("is that of chisel, a tunnel for TCP")

    def test_other_subprotocols(self) -> None:
        shake = handshake(with_fields(REQUEST, "Sec-WebSocket-Protocol: graphql-ws, mqtt"))
        assert found(sent.protocol_inside, connection(shake)) == []


def evenly(count: int, mean: int, deviation: int, least: int = 20, most: int = 20) -> Side:
    squares = float(count) * (mean**2 + deviation**2)
    intervals = Spread(count, count * mean, squares, mean, mean)
    return Side(message_ns=intervals, message_lengths=Spread(count + 1, 0, 0.0, least, most))


class TestBeacon:
    def test_equal_messages_evenly_spaced(self) -> None:
        record = connection(observation=observed(client=evenly(30, 10 * SECOND, SECOND // 10)))
        (finding,) = found(sent.beacon, record)
        assert "31 messages of 20 bytes, 10.000 s apart" in finding.message

    def test_uneven_few_quick_or_of_other_sizes(self) -> None:
        for side in (
            evenly(30, 10 * SECOND, 2 * SECOND),
            evenly(10, 10 * SECOND, 0),
            evenly(30, SECOND, 0),
            evenly(30, 10 * SECOND, 0, most=21),
        ):
            assert found(sent.beacon, connection(observation=observed(client=side))) == []


class TestOutflow:
    def test_far_more_goes_out(self) -> None:
        record = connection(client_bytes=200_000_000, server_bytes=1_000)
        (finding,) = found(sent.outflow, record)
        assert finding.message == "the client sent 200000000 bytes and received 1000"

    def test_an_upload_that_is_answered_or_small(self) -> None:
        for uploaded, received in ((200_000_000, 20_000_000), (99_000_000, 0)):
            record = connection(client_bytes=uploaded, server_bytes=received)
            assert found(sent.outflow, record) == []

    def test_bytes_like_encrypted_ones(self) -> None:
        dense = [event("dense", value=7950, payload=b"\x01\x02") for _ in range(2)]
        (finding,) = found(sent.outflow, connection(observation=observed(*dense)))
        assert "7.95 bits of entropy" in finding.message
        # What was tested, and how often chance fails it.
        assert finding.evidence is not None
        assert finding.evidence.startswith("01 02 …; ")
        assert "7.9 bits" in finding.evidence
        assert "10^9" in finding.evidence
