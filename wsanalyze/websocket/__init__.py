"""The WebSocket protocol alone: bytes in, values out. No files, no sockets, no pandas, no clock.

- accept value: `accept_value`, `accept_steps`, `accept_mistake`; before it, Hixie-76's challenge:
  `challenge_answer`, `challenge_steps`, `answer_mistake`
- handshake: `head_end` finds where a head ends, `read_head` reads it, `Handshake` says what two
  heads agreed on, how it ended (`outcome`) and which rules they broke (`faults`)
- extensions: `parse_extension`, `negotiated`
- frames: `scan_frames`, `unmask`, `opcode_name`; of older versions `scan_hixie_frames`,
  `scan_draft_frames`, `masking_key_of_connection`
- messages: `assemble`; `Inflater` (permessage-deflate) and `is_utf8` alone
- close: `describe_close`, `may_be_sent`

No bytes whatsoever make any of them raise: what is wrong with them is in what is returned.
"""

from __future__ import annotations

from wsanalyze.websocket.accept import AcceptSteps, accept_mistake, accept_steps, accept_value
from wsanalyze.websocket.assemble import Message, assemble
from wsanalyze.websocket.challenge import (
    ChallengeSteps,
    KeyNumber,
    answer_mistake,
    challenge_answer,
    challenge_steps,
)
from wsanalyze.websocket.close import describe as describe_close
from wsanalyze.websocket.close import may_be_sent
from wsanalyze.websocket.deflate import Inflater
from wsanalyze.websocket.drafts import masking_key_of_connection, scan_draft_frames
from wsanalyze.websocket.extensions import Deflate, Extension, Parameter, negotiated
from wsanalyze.websocket.extensions import parse as parse_extension
from wsanalyze.websocket.faults import Fault
from wsanalyze.websocket.fields import Field, Head, Oddity
from wsanalyze.websocket.frames import Frame, scan_frames
from wsanalyze.websocket.handshake import (
    Handshake,
    Request,
    Response,
    is_interim,
    is_upgrade_request,
)
from wsanalyze.websocket.head import head_end, read_head
from wsanalyze.websocket.hixie import scan_hixie_frames
from wsanalyze.websocket.masking import unmask
from wsanalyze.websocket.opcodes import is_control, is_reserved, opcode_name
from wsanalyze.websocket.utf8 import is_utf8

__all__ = [
    "AcceptSteps",
    "ChallengeSteps",
    "Deflate",
    "Extension",
    "Fault",
    "Field",
    "Frame",
    "Handshake",
    "Head",
    "Inflater",
    "KeyNumber",
    "Message",
    "Oddity",
    "Parameter",
    "Request",
    "Response",
    "accept_mistake",
    "accept_steps",
    "accept_value",
    "answer_mistake",
    "assemble",
    "challenge_answer",
    "challenge_steps",
    "describe_close",
    "head_end",
    "is_control",
    "is_interim",
    "is_reserved",
    "is_upgrade_request",
    "is_utf8",
    "masking_key_of_connection",
    "may_be_sent",
    "negotiated",
    "opcode_name",
    "parse_extension",
    "read_head",
    "scan_draft_frames",
    "scan_frames",
    "scan_hixie_frames",
    "unmask",
]
