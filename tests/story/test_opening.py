"""How recorded connections began: segments, digests, fields, and where keys came from."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5, sha1
from pathlib import Path

import wsanalyze
from story.told import CAPTURES, told, without_secrets
from wsanalyze.story.model import Story

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def test_three_segments_open_tcp() -> None:
    opened = told("chat-ws.pcapng").opening
    assert opened is not None
    assert opened.syn is not None
    assert opened.answer is not None
    assert opened.ack is not None
    assert [each.packet for each in (opened.syn, opened.answer, opened.ack)] == [1, 2, 3]
    assert [each.flags for each in (opened.syn, opened.answer, opened.ack)] == [
        "SYN",
        "SYN,ACK",
        "ACK",
    ]
    assert opened.connect_ns == opened.answer.time - opened.syn.time


def test_what_the_capture_does_not_have_is_not_told() -> None:
    story = told("from-the-middle.pcapng")
    assert story.opening is not None
    assert (story.opening.syn, story.opening.answer, story.opening.ack) == (None, None, None)
    assert (story.request, story.response, story.proof) == (None, None, None)
    one_way = told("one-direction.pcapng").opening
    assert one_way is not None
    assert one_way.syn is not None
    assert (one_way.answer, one_way.connect_ns) == (None, None)


def test_the_accept_value_step_by_step() -> None:
    proof = told("chat-ws.pcapng").proof
    assert proof is not None
    assert proof.steps is not None
    digest = sha1((proof.steps.key + GUID).encode(), usedforsecurity=False)
    assert proof.steps.concatenation == proof.steps.key + GUID
    assert proof.steps.digest == digest.hexdigest()
    assert proof.steps.accept == b64encode(digest.digest()).decode() == proof.sent
    assert proof.right is True


def test_a_wrong_accept_value() -> None:
    proof = told("bad-accept.pcapng", 2).proof
    assert proof is not None
    assert proof.steps is not None
    assert proof.right is False
    assert proof.sent == proof.steps.accept.lower() != proof.steps.accept


def test_a_refusal_proves_nothing() -> None:
    assert told("refused-upgrades.pcapng", 2).proof is None


def test_the_challenge_of_hixie_76() -> None:
    proof = told("hixie-76.pcapng").proof
    assert proof is not None
    steps = proof.challenge
    assert steps is not None
    numbers = []
    for key in (steps.first.key, steps.second.key):
        digits = int("".join(character for character in key if character.isdigit()))
        numbers.append(digits // key.count(" "))
    assert [steps.first.part, steps.second.part] == numbers == [268869713, 45995331]
    text = b"".join(number.to_bytes(4, "big") for number in numbers) + steps.body
    assert steps.challenge == text
    assert proof.sent == md5(text, usedforsecurity=False).hexdigest()
    assert proof.right is True


def test_versions_without_a_proof_say_why() -> None:
    for name in ("hixie-75.pcapng", "wss-http2.pcapng"):
        proof = told(name).proof
        assert proof is not None
        assert (proof.kind, proof.steps, proof.challenge) == ("none", None, None)
        assert proof.why


def fields_at_fault(story: Story, sender: str) -> dict[str, list[str]]:
    head = story.request if sender == "client" else story.response
    assert head is not None
    return {line.name: [each.check for each in line.findings] for line in head.lines}


def test_findings_stand_at_their_fields() -> None:
    two_keys = told("faulty-requests.pcapng", 5)
    assert fields_at_fault(two_keys, "client")["Sec-WebSocket-Key"] == ["HSQ-08"]
    assert fields_at_fault(told("bad-accept.pcapng", 2), "server") == {
        "Upgrade": [],
        "Connection": [],
        "Sec-WebSocket-Accept": ["HSR-04"],
    }
    old = told("hixie-76.pcapng").request
    assert old is not None
    assert [each.check for each in old.findings] == ["LEG-06"]


def test_a_head_is_told_as_it_was_sent() -> None:
    request = told("chat-ws.pcapng").request
    assert request is not None
    assert request.start_line == "GET /chat?room=1 HTTP/1.1"
    assert [line.name for line in request.lines][:3] == ["Host", "Upgrade", "Connection"]
    text = "".join(f"{line.name}: {line.value}\r\n" for line in request.lines)
    assert request.length == len(f"{request.start_line}\r\n{text}\r\n")
    assert all(line.meaning for line in request.lines)


def test_http_2_has_pseudo_fields_and_no_start_line() -> None:
    story = told("wss-http2.pcapng")
    assert story.request is not None
    assert story.response is not None
    assert (story.request.start_line, story.request.length) == ("", None)
    assert [line.name for line in story.request.lines][:2] == [":method", ":protocol"]
    assert [line.value for line in story.response.lines][:1] == ["200"]


def test_tls_and_where_the_keys_came_from() -> None:
    secure = told("chat-wss.pcapng").secure
    assert secure is not None
    assert (secure.version, secure.cipher) == ("TLS 1.3", "TLS_AES_256_GCM_SHA384")
    assert (secure.sni, secure.alpn, secure.resumed) == ("chat.example", "http/1.1", False)
    assert secure.keys_from == "capture"
    assert "CLIENT_TRAFFIC_SECRET_0" in secure.labels
    assert told("chat-ws.pcapng").secure is None


def test_keys_from_a_key_log(tmp_path: Path) -> None:
    capture, keylog = without_secrets((CAPTURES / "chat-wss.pcapng").read_bytes())
    path, keys = tmp_path / "chat.pcapng", tmp_path / "keys.log"
    path.write_bytes(capture)
    keys.write_bytes(keylog)
    assert len(wsanalyze.analyze(path)) == 0
    secure = wsanalyze.analyze(path, keylog=keys).explain(0).secure
    inside = told("chat-wss.pcapng").secure
    assert secure is not None
    assert inside is not None
    assert (secure.keys_from, secure.labels) == ("key log", inside.labels)


def test_a_record_before_and_after_decryption() -> None:
    """What was in a record is the frame that the session read from it."""
    story = told("chat-wss.pcapng")
    assert story.secure is not None
    sender, record = story.secure.records[0]
    frame = story.frames[0]
    assert (sender, record.packet) == (frame.sender, frame.packet)
    # RFC 8446 §5.2: the content, then its type.
    assert record.content == frame.header + frame.payload + b"\x17"
    assert record.header == b"\x17\x03\x03" + (record.length + 16).to_bytes(2, "big")
    assert len(record.body) == record.length + 16


def test_records_of_tls_1_2_have_no_type_inside() -> None:
    story = told("wss-tls12.pcapng")
    assert story.secure is not None
    contents = [record.content for _, record in story.secure.records]
    first = story.frames[0]
    assert first.header + first.masked in contents
