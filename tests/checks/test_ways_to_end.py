"""What TLS said before TCP ended: told in the sentence on who cut it."""

from __future__ import annotations

from checks.given import SECOND
from checks.test_cuts import ending
from checks.test_encryption import inside
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.ways_to_end import ended_tls, said_by_tls


def said(how: str = "fin", **facts: object) -> str | None:
    return said_by_tls(Facts(inside(**facts)), ending(how, "server"))


class TestTls:
    def test_close_notify_of_who_closed_tcp(self) -> None:
        assert said(closed_by="server", closed_at=(SECOND, 16)) == (
            "it had ended TLS first (close_notify in packet 16), as a program does"
        )

    def test_close_notify_of_the_other_end(self) -> None:
        assert said(closed_by="client", closed_at=(SECOND, 16)) == (
            "the client had ended TLS before (close_notify in packet 16)"
        )

    def test_a_close_notify_that_answers_the_fin_was_not_before_it(self) -> None:
        """Node ws answers who exits so."""
        assert said(closed_by="client", closed_at=(9 * SECOND + 1, 16)) == (
            "TLS was not ended (no close_notify), so that the FIN may be anybody's"
        )

    def test_an_alert(self) -> None:
        assert said("rst", alert=20, alert_by="client", alert_at=(SECOND, 15)) == (
            "the client had sent the TLS alert bad_record_mac in packet 15"
        )

    def test_an_alert_that_ends_nothing(self) -> None:
        assert said("rst", alert=90, alert_by="client", alert_at=(SECOND, 15)) is None

    def test_a_fin_of_which_tls_knows_nothing(self) -> None:
        assert said() == ("TLS was not ended (no close_notify), so that the FIN may be anybody's")

    def test_who_ended_tls_first_began_to_end_it(self) -> None:
        def began(**facts: object) -> str | None:
            return ended_tls(Facts(inside(**facts)), ending("fin", "server"))

        assert began(closed_by="client", closed_at=(SECOND, 16)) == "client"
        assert began(closed_by="client", closed_at=(9 * SECOND + 1, 16)) is None
        assert began(closed_by="client", closed_at=(SECOND, 16), decrypted=False) is None
        assert began(closed_by="client", closed_at=(SECOND, 16), alert=20) is None
        assert began() is None

    def test_what_cannot_be_known(self) -> None:
        assert said(decrypted=False) is None
        assert said(bad_records=1) is None
