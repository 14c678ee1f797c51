"""Parts of a report that strangers could make as long as they like."""

from __future__ import annotations

from dataclasses import replace

from story.told import told

from report.pages import named
from wsanalyze.report.parts import TLS_STEPS, TLS_TEXT, tls_part, tls_steps_part
from wsanalyze.story.model import Secure

ROOM = 1_000_000


def secure() -> Secure:
    found = told("chat-wss.pcapng").secure
    assert found is not None
    return found


def test_a_handshake_as_it_is_loses_nothing() -> None:
    steps = secure().steps
    rows = tls_steps_part(secure(), 0, ROOM)
    assert [row[7] for row in rows] == [[list(pair) for pair in each.facts] for each in steps]
    assert "not shown" not in dict(tls_part(secure()))
    assert named("chat-wss")["connections"][0]["tls_steps"][0][7] == rows[0][7]


def test_of_hellos_each_field_has_its_bytes() -> None:
    rows = tls_steps_part(secure(), 0, ROOM)
    fields = {row[3]: row[8] for row in rows}
    assert fields["ServerHello"][2][:2] == ("03 03", "version")
    assert ("13 02", "cipher suite", "TLS_AES_256_GCM_SHA384", 0) in fields["ServerHello"]
    assert ("03 04", "version", "TLS 1.3", 1) in fields["ServerHello"]
    assert fields["Finished"] == []


def test_where_room_is_short_bytes_are_left_out_and_that_is_said() -> None:
    facts = sum(len(label) + len(text) for step in secure().steps for label, text in step.facts)
    hello = tls_steps_part(secure(), 0, facts)[0]
    assert hello[8] == []
    assert hello[7][:-1] == [list(pair) for pair in secure().steps[0].facts]
    assert hello[7][-1][0] == "bytes, not shown"


def test_a_long_text_is_cut_and_says_so() -> None:
    step = replace(secure().steps[0], facts=(("checksum", "a" * 5000),), parts=())
    ((*_, said, _),) = tls_steps_part(replace(secure(), steps=(step,)), 0, ROOM)
    assert said == [["checksum", "a" * TLS_TEXT + "… and 3,500 more characters"]]
    known = dict(tls_part(replace(secure(), sni="b" * 5000)))
    assert known["server name (SNI)"] == "b" * TLS_TEXT + "… and 3,500 more characters"


def test_the_first_messages_are_listed_and_the_others_counted() -> None:
    many = replace(secure(), steps=secure().steps[:1] * 1050)
    assert len(tls_steps_part(many, 0, ROOM)) == TLS_STEPS == 40
    assert tls_part(many)[-1] == ("not shown", "1,010 further messages of its handshake")


def test_what_they_say_together_has_a_limit() -> None:
    step = replace(secure().steps[0], facts=(("checksum", "a" * 92),), parts=())
    rows = tls_steps_part(replace(secure(), steps=(step, step, step)), 0, 200)
    assert [row[7][0][0] for row in rows] == ["checksum", "checksum", "not shown"]
    assert "100 characters" in rows[2][7][0][1]


def test_the_way_through_a_proxy_has_every_message() -> None:
    data = named("connect-tunnels")
    way = data["connections"][12]["way"]
    assert [(each["packet"], each["length"], each["code"]) for each in way] == [
        (256, 57, None),
        (258, 449, 407),
        (260, 110, None),
        (264, 39, 200),
    ]
    assert way[0]["ends"] == ["client", "proxy"]
    assert [data["findings"][place]["check"] for place in way[2]["findings"]] == ["SEC-17"]
    lines = {each["name"]: each["value"] for each in way[2]["head"]["lines"]}
    assert lines["Proxy-Authorization"].startswith("Basi…")
    assert data["connections"][13]["way"] == []


def test_a_login_of_socks_has_no_name_and_no_password() -> None:
    way = named("socks-tunnels")["connections"][12]["way"]
    assert [each["label"] for each in way][2] == "SOCKS5 user name and password"
    parts = {name: (shown, says) for shown, name, says in way[2]["parts"]}
    assert parts["UNAME"][0] == parts["PASSWD"][0] == ""
    assert "anna" not in str(way)


def test_how_http2_began_and_how_its_streams_ended() -> None:
    one = named("http2-haproxy")["connections"][1]
    began = one["multiplexed"]
    assert began["preface"][1] == 8
    assert [(sender, packet) for sender, _, packet, _ in began["settings"]] == [
        ("client", 8),
        ("server", 10),
    ]
    client, server = ({name: value for name, value, _ in each[3]} for each in began["settings"])
    assert client["MAX_CONCURRENT_STREAMS"] == 100
    assert server["ENABLE_CONNECT_PROTOCOL"] == 1
    assert {each["how"] for each in one["close"]["ends"]} >= {"END_STREAM"}
    assert named("chat-ws")["connections"][0]["multiplexed"] is None


def test_each_leg_names_those_beside_it() -> None:
    every = named("socks-tunnels")["connections"]
    legs = [(every[number]["leg_before"], every[number]["leg_behind"]) for number in (14, 15, 16)]
    assert legs == [(None, 15), (14, 16), (15, None)]


def test_refused_tunnels_are_listed() -> None:
    refused = named("connect-tunnels")["refused"]
    assert refused["total"] == 2
    rows = [(each["way"], each["code"], each["packet"]) for each in refused["rows"]]
    assert rows == [("CONNECT 127.0.0.1:9", 403, 196), ("CONNECT 127.0.0.1:9060", 407, 206)]
    assert refused["rows"][0]["capture"] == "connect-tunnels.pcapng"
    assert named("chat-wss")["refused"] == {"total": 0, "rows": []}
