"""Extension elements (RFC 6455 §9.1) and permessage-deflate (RFC 7692 §7.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.headers import parse_extension

from wsanalyze.websocket.extensions import (
    negotiated,
    parse,
    split_elements,
    valid_window_bits,
    window_bits,
)

PMD = "permessage-deflate"


class TestSplit:
    def test_examples_of_rfc_6455(self) -> None:
        # §9.1: one list over two lines is the same as one line.
        assert split_elements(["foo", "bar; baz=2"]) == split_elements(["foo, bar; baz=2"])
        assert split_elements(["foo, bar; baz=2"]) == ["foo", "bar; baz=2"]
        # §9.1: the three "not normative" examples.
        assert split_elements(["deflate-stream"]) == ["deflate-stream"]
        assert split_elements(["mux; max-channels=4; flow-control, deflate-stream"]) == [
            "mux; max-channels=4; flow-control",
            "deflate-stream",
        ]
        assert split_elements(["private-extension"]) == ["private-extension"]

    def test_commas_in_quotes_and_empty_elements(self) -> None:
        assert split_elements(['a; b="1,2" ,, c']) == ['a; b="1,2"', "c"]
        assert split_elements([]) == []
        assert split_elements([""]) == []


class TestParse:
    def test_examples_of_rfc_7692(self) -> None:
        # §7.1.3
        element = parse("permessage-deflate; client_max_window_bits; server_max_window_bits=10")
        assert element.name == PMD
        assert element.parameters == (
            ("client_max_window_bits", None, False),
            ("server_max_window_bits", "10", False),
        )
        assert element.oddities == ()
        # §5.1
        assert parse("permessage-foo; x=10").parameters == (("x", "10", False),)

    def test_quoted_values(self) -> None:
        # §9.1 allows the quoted form where the value is a token.
        element = parse('permessage-deflate; server_max_window_bits="10"')
        assert element.parameters == (("server_max_window_bits", "10", True),)
        assert element.oddities == ()
        assert parse('a; b="1\\0"').parameters == (("b", "10", True),)

    @pytest.mark.parametrize(
        ("element", "code", "offset"),
        [
            ("a b; c", "bad-name", 0),
            ("; c", "bad-name", 0),
            ("a;", "empty-parameter", 2),
            ("a; ; b", "empty-parameter", 2),
            ("a;b;", "empty-parameter", 4),
            ('a; b="1"; c d', "bad-parameter-name", 10),
            ("a; b c", "bad-parameter-name", 3),
            ("a; =1", "bad-parameter-name", 3),
            ("a; b=", "empty-value", 3),
            ("a; b=1 2", "bad-value", 3),
            ('a; b="1,2"', "quoted-not-token", 3),
            ('a; b="1', "unterminated-quote", 3),
            ('a; b="1"2', "text-after-quote", 3),
        ],
    )
    def test_oddities(self, element: str, code: str, offset: int) -> None:
        (oddity,) = parse(element).oddities
        assert (oddity.code, oddity.offset) == (code, offset)

    @given(st.text() | st.text('abc;=" \\,10'))
    def test_no_text_raises(self, text: str) -> None:
        for element in split_elements([text]):
            assert parse(element).text == element
        parse(text)

    @given(
        st.lists(
            st.tuples(
                st.text("ab-_", min_size=1),
                st.lists(
                    st.tuples(st.text("cd", min_size=1), st.none() | st.text("12", min_size=1))
                ),
            ),
            min_size=1,
        ),
        st.sampled_from([", ", ",", " ,\t"]),
    )
    def test_websockets_reads_the_same(
        self, extensions: list[tuple[str, list[tuple[str, str | None]]]], comma: str
    ) -> None:
        text = comma.join(
            "; ".join([name, *(p if v is None else f"{p}={v}" for p, v in parameters)])
            for name, parameters in extensions
        )
        ours = [parse(element) for element in split_elements([text])]
        assert [(e.name, [(p.name, p.value) for p in e.parameters]) for e in ours] == (
            parse_extension(text)
        )


class TestNegotiated:
    def test_nothing_chosen(self) -> None:
        assert negotiated([PMD], []) is None
        assert negotiated([PMD], ["x-other"]) is None

    def test_defaults(self) -> None:
        deflate = negotiated(["permessage-deflate; client_max_window_bits"], [PMD])
        assert deflate is not None
        assert (deflate.kind, deflate.name) == (PMD, PMD)
        assert (deflate.server_no_context_takeover, deflate.client_no_context_takeover) == (
            False,
            False,
        )
        assert (deflate.server_max_window_bits, deflate.client_max_window_bits) == (15, 15)
        assert deflate.oddities == ()

    def test_the_response_decides(self) -> None:
        offers = ["permessage-deflate; client_max_window_bits; server_max_window_bits=10", PMD]
        response = (
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9; "
            "server_no_context_takeover; client_no_context_takeover"
        )
        deflate = negotiated(offers, [response])
        assert deflate is not None
        assert deflate.server_no_context_takeover
        assert deflate.client_no_context_takeover
        assert (deflate.server_max_window_bits, deflate.client_max_window_bits) == (10, 9)

    @pytest.mark.parametrize(
        "value", ["=7", "=16", "=", "=x", "", "=-9", "=1\xb2", "=" + "9" * 5000]
    )
    def test_a_bad_value_gives_the_default_and_an_oddity(self, value: str) -> None:
        deflate = negotiated([PMD], [f"{PMD}; server_max_window_bits{value}"])
        assert deflate is not None
        assert deflate.server_max_window_bits == 15
        assert [oddity.code for oddity in deflate.oddities] == ["bad-server_max_window_bits"]

    def test_a_leading_zero_and_quotes_are_understood(self) -> None:
        deflate = negotiated([PMD], [f'{PMD}; server_max_window_bits="010"'])
        assert deflate is not None
        assert deflate.server_max_window_bits == 10

    def test_what_was_not_offered_is_in_use_all_the_same(self) -> None:
        deflate = negotiated([], [PMD])
        assert deflate is not None
        assert [oddity.code for oddity in deflate.oddities] == ["not-offered"]

    def test_per_frame_deflate_of_old_browsers(self) -> None:
        deflate = negotiated(
            ["x-webkit-deflate-frame; max_window_bits=10"],
            ["x-webkit-deflate-frame; no_context_takeover"],
        )
        assert deflate is not None
        assert (deflate.kind, deflate.name) == ("deflate-frame", "x-webkit-deflate-frame")
        # Each side says what the other one must keep to.
        assert (deflate.server_max_window_bits, deflate.client_max_window_bits) == (10, 15)
        assert (deflate.server_no_context_takeover, deflate.client_no_context_takeover) == (
            False,
            True,
        )

    @given(st.lists(st.text()), st.lists(st.text().map(lambda text: f"{PMD};{text}")))
    def test_no_text_raises(self, offers: list[str], responses: list[str]) -> None:
        negotiated(offers, responses)


@pytest.mark.parametrize("bits", range(8, 16))
def test_window_bits(bits: int) -> None:
    assert window_bits(str(bits)) == bits
    assert valid_window_bits(str(bits))
    assert window_bits(f"0{bits}") == bits
    assert not valid_window_bits(f"0{bits}")
