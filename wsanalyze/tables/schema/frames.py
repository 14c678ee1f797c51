"""Columns of `frames` and `messages`."""

from __future__ import annotations

from wsanalyze.tables.declaration import Column, Kind, Table, category, count, text, time
from wsanalyze.tables.schema.shared import CONFIDENCE, CONNECTION, SENDER

MESSAGE_TYPES = ("text", "binary")
# In the order of their opcodes.
FRAME_TYPES = (
    "continuation",
    "text",
    "binary",
    *(f"reserved-{opcode}" for opcode in range(3, 8)),
    "close",
    "ping",
    "pong",
    *(f"reserved-{opcode}" for opcode in range(11, 16)),
)

FRAMES = Table(
    "frames",
    "one WebSocket frame",
    (
        CONNECTION,
        count("frame", "0, 1, 2 … within the connection, in order of its first header byte"),
        SENDER,
        time("time", "packet with its first header byte"),
        time(
            "time_end",
            "packet with its last payload byte, of a text frame of Hixie with its 0xFF (or with "
            "the last byte that was seen)",
        ),
        count("packet", "number of the packet with its first header byte, from 1"),
        count("packet_end", "number of that packet"),
        count(
            "offset",
            "of its first header byte in the sender's TCP byte stream (decrypted where TLS; in "
            "what the DATA frames of its stream carry where HTTP/2)",
            "bytes",
        ),
        Column("fin", Kind.BOOL, "the FIN bit (drafts 1 to 3: MORE not set; Hixie: always)"),
        Column("rsv1", Kind.BOOL, "the RSV1 bit"),
        Column("rsv2", Kind.BOOL, "the RSV2 bit"),
        Column("rsv3", Kind.BOOL, "the RSV3 bit"),
        Column(
            "opcode",
            Kind.BYTE,
            "0 to 15, as sent; of a version before 7, what RFC 6455 has for the same type. Drafts "
            "1 to 6 sent 1 close, 2 ping, 3 pong, 4 text, 5 binary (here 8, 9, 10, 1, 2), and "
            "reserved 8, 9, 10 (here 3, 4, 5). Hixie: a type byte of 0x00 is 1, of 0x80 is 2, "
            "0xFF 0x00 is 8, any other 3 (below 0x80) or 4",
        ),
        category("type", FRAME_TYPES, "what the opcode stands for"),
        Column(
            "masked",
            Kind.BOOL,
            "the MASK bit (drafts 4 to 6: all frames of a client, header included)",
        ),
        text(
            "masking_key",
            "eight hex digits (drafts 4 to 6: of the four bytes in front of the frame)",
            "unmasked",
        ),
        count(
            "header_length",
            "of the frame header, masking key included; of Hixie the type byte, and the length "
            "where there is one",
            "bytes",
        ),
        count(
            "length",
            "payload as the header says (of a text frame of Hixie, up to its 0xFF, or as far as "
            "it was seen); 9223372036854775807 where the header says more than "
            "RFC 6455 §5.2 allows (`length_raw` has it exactly)",
            "bytes",
        ),
        count("captured", "payload that was seen", "bytes"),
        Column(
            "message",
            Kind.NULLABLE_INT,
            "number of the message it belongs to, as in `messages`",
            "a control frame, or a continuation of nothing",
        ),
        Column(
            "close_code",
            Kind.PORT,
            "status code",
            "not a Close frame, one without a body, or one whose code is missing",
        ),
        Column(
            "length_coded",
            Kind.BYTE,
            "bytes of extended length in the header: 0, 2 or 8 (Hixie: behind the first)",
            unit="bytes",
        ),
        Column(
            "length_raw",
            Kind.UNSIGNED,
            "the length exactly as sent, where its top bit is set",
            "the top bit is not set, `length` is exact",
            "bytes",
        ),
        CONFIDENCE,
    ),
)

MESSAGES = Table(
    "messages",
    "one data message",
    (
        CONNECTION,
        count("message", "0, 1, 2 … within the connection, in order of its first frame"),
        SENDER,
        category("type", MESSAGE_TYPES, "opcode of its first frame"),
        time("time", "packet with the first byte of its first frame"),
        time("time_end", "packet with the last byte of its last frame"),
        count("packet", "number of the packet with the first byte of its first frame"),
        count("packet_end", "number of the packet with the last byte of its last frame"),
        count("frames", "fragments"),
        Column("compressed", Kind.BOOL, "whether permessage-deflate compressed it"),
        count("wire_length", "sum of the frame payloads", "bytes"),
        Column(
            "length",
            Kind.NULLABLE_INT,
            "after decompression",
            "it could not be decompressed",
            "bytes",
        ),
        Column("complete", Kind.BOOL, "False where a gap, a limit or the capture's end cut it"),
        Column("utf8_valid", Kind.BOOLEAN, "whether a text is UTF-8", "binary, or not to be known"),
        text(
            "sha256",
            "SHA-256 of the whole application payload, in hex",
            "incomplete, or hashes were not asked for",
        ),
        text(
            "preview",
            "the first characters (text), hex of the first bytes (binary)",
            "nothing was kept of the payload",
        ),
        CONFIDENCE,
    ),
)
