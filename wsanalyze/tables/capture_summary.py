"""What was read of one capture, and what was not: one row of the `summary` table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class CaptureSummary:
    """Counts of one capture; each attribute is a column of the `summary` table.

    Times are integer nanoseconds since the epoch, lengths are bytes. None is "not available".
    Conversations and attempts are counted for the capture in which they began. `limits` becomes
    one column `limit_NAME` per name: how often that limit was reached.
    """

    capture: str
    format: str | None = None
    compression: str | None = None
    packets: int = 0
    captured_bytes: int = 0
    wire_bytes: int = 0
    first_time: int | None = None
    last_time: int | None = None
    dropped: int | None = None
    not_packets: int = 0
    cut_packets: int = 0
    tcp_packets: int = 0
    udp_packets: int = 0
    other_packets: int = 0
    not_decoded_link: int = 0
    not_decoded_truncated: int = 0
    not_decoded_malformed: int = 0
    not_decoded_fragment: int = 0
    tcp_conversations: int = 0
    conversations_websocket: int = 0
    conversations_http: int = 0
    conversations_tls: int = 0
    conversations_other: int = 0
    conversations_empty: int = 0
    attempts: int = 0
    attempts_established: int = 0
    attempts_refused: int = 0
    attempts_invalid: int = 0
    attempts_unanswered: int = 0
    attempts_unseen: int = 0
    frames: int = 0
    messages: int = 0
    lost_bytes: int = 0
    limits: dict[str, int] = field(default_factory=dict)
    problem: str | None = None
    other_not_ip: int = 0
    fragment_packets: int = 0
    fragment_conflicts: int = 0
    not_decoded_esp: int = 0
    not_decoded_macsec: int = 0
    not_decoded_wifi: int = 0
    not_decoded_nested: int = 0
    unknown_links: list[str] = field(default_factory=list)
    duplicate_packets: int = 0
    untimed_packets: int = 0
    clamped_times: int = 0
    tls_decrypted: int = 0
    keylog_lines: int = 0
    keylog_not_understood: int = 0
