"""What was read of one capture, and what was not: one row of the `summary` table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Packages that are not needed for most captures → what it means where one is missing.
LACKING = {
    "hpack": "HTTP/2 was met and not read: the package hpack is missing (pip install hpack)",
    "cryptography": (
        "TLS was not decrypted although secrets were given: the package cryptography is missing "
        "(pip install cryptography)"
    ),
}

NO_SECRETS = "no secrets are known"
# Key logs were given, or blocks of secrets are in the capture, and no line of them is a secret.
EMPTY_LOGS = "the key logs hold no secrets"
# Reasons for which secrets would change nothing: there was no connection (`layers/tls_left.py`).
LEFT = re.compile(r"the (?:client|server) (?:left|did not answer)|the handshake ended with alert")

# Reasons that are counted apart: suites and versions, which they name, are a stranger's choice.
MOST_REASONS, OTHER_REASONS = 50, "other reasons"
# Those that are told, the most frequent ones.
REASONS = 4
# Words of reasons that are another one where they are told of several connections.
_PLURALS = tuple(
    (re.compile(one), several)
    for one, several in (
        (r"^it has\b", "they have"),
        (r"^it is\b", "they are"),
        (r"\bthis (client random|cipher suite)\b", r"their \1"),
        (r"\bits\b", "their"),
    )
)


@dataclass(slots=True)
class CaptureSummary:
    """Counts of one capture: columns of `summary`, but for reasons.

    Times are integer nanoseconds since the epoch, lengths are bytes. None is "not available".
    Conversations and attempts are counted for the capture in which they began. `limits` becomes
    one column `limit_NAME` per name: how often that limit was reached. `tls_reasons`: why TLS
    connections stayed closed, and how many did for that reason; `tls_left`: how handshakes ended
    that were decrypted, with nothing behind them; `tunnel_reasons`: why tunnels were not read.
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
    missing_packages: list[str] = field(default_factory=list)
    http2_unknown_streams: int = 0
    keylog_files: int = 0
    tls_reasons: dict[str, int] = field(default_factory=dict)
    tls_left: dict[str, int] = field(default_factory=dict)
    unread_tunnels: int = 0
    tunnel_reasons: dict[str, int] = field(default_factory=dict)
    conversations_tls_empty: int = 0
    tls_without_secret: int = 0

    @property
    def damage(self) -> str | None:
        """What is wrong with the capture itself: `problem` without packages that are missing."""
        left = self.problem or ""
        for package in reversed(self.missing_packages):
            left = left.removesuffix(LACKING[package]).removesuffix("; ")
        return left or None

    def stays_closed(self, reason: str) -> None:
        """Count a TLS connection that stayed closed; of many reasons the rest is one."""
        _count(self.tls_reasons, reason)

    def breaks_off(self, reason: str) -> None:
        """Count a TLS handshake that was decrypted, and led to nothing; likewise."""
        _count(self.tls_left, reason)

    def passes_over(self, reason: str) -> None:
        """Count a tunnel that nobody can read, one of a few hundred reasons."""
        self.unread_tunnels += 1
        self.tunnel_reasons[reason] = self.tunnel_reasons.get(reason, 0) + 1

    def lack(self, package: str) -> None:
        """Note that a package of LACKING is missing without which this was not read."""
        if package in self.missing_packages:
            return
        damage = self.damage
        self.missing_packages.append(package)
        self.end_with(damage)

    def end_with(self, damage: str | None) -> None:
        """Set `problem`: what is wrong with the capture, then what could not be read here."""
        lacking = [LACKING[package] for package in self.missing_packages]
        self.problem = "; ".join([*([damage] if damage else []), *lacking]) or None


def _count(reasons: dict[str, int], reason: str) -> None:
    if reason not in reasons and len(reasons) >= MOST_REASONS:
        reason = OTHER_REASONS
    reasons[reason] = reasons.get(reason, 0) + 1


def why_closed(capture: CaptureSummary) -> dict[str, int]:
    """Return why TLS conversations of a capture stayed closed, and how many did for each reason.

    Where no secret was given, what secrets would do is one reason. Of conversations that nobody
    looked at, nothing else is known.
    """
    reasons, count = capture.tls_reasons, capture.conversations_tls
    if capture.keylog_files or capture.tls_decrypted:
        return dict(reasons) if reasons else {EMPTY_LOGS: count}
    found = {reason: times for reason, times in reasons.items() if LEFT.match(reason)}
    rest = count - sum(found.values())
    return {**found, NO_SECRETS: rest} if rest > 0 else found


def of_several(reason: str, count: int) -> str:
    """Return a reason, which is told of one connection, as it is told of `count`."""
    if count == 1:
        return reason
    for one, several in _PLURALS:
        reason = one.sub(several, reason)
    return reason


def ranked(reasons: Mapping[str, int]) -> str:
    """Return the most frequent reasons, counted where there are several."""
    found = sorted(reasons.items(), key=lambda each: -each[1])
    if len(found) == 1:
        return of_several(*found[0])
    parts = [f"{of_several(reason, count)} ({count})" for reason, count in found[:REASONS]]
    rest = sum(count for _, count in found[REASONS:])
    return "; ".join([*parts, *([f"others ({rest})"] if rest else [])])
