"""Records of TLS that came before the keys that open them: each side's wait in their order."""

from __future__ import annotations

from collections.abc import Callable

from wsanalyze.layers.tls_handshake import TlsHandshake
from wsanalyze.layers.tls_sender import HEADER, TlsSender
from wsanalyze.layers.tls_steps import change

# What a record costs besides its bytes.
OVERHEAD = 256
# Side, header, body, time, packet, ordinal.
Held = tuple[int, bytes, bytes, int, int, int]


class Waiting:
    """Those of both sides; `size` is how many bytes they take.

    `ends`: how sides ended meanwhile, at most one each: side, FIN or RST, time, packet.
    """

    def __init__(self, handshake: TlsHandshake) -> None:
        self.handshake = handshake
        self.size = 0
        self.ends: list[tuple[int, int, int, int]] = []
        self._records: list[Held] = []
        self._counts = [0, 0]
        self._is_draining = False

    def __len__(self) -> int:
        return len(self._records)

    @property
    def newest(self) -> Held | None:
        """The record that came last."""
        return self._records[-1] if self._records else None

    def keep(self, record: Held) -> None:
        """Keep one more."""
        self._records.append(record)
        self._counts[record[0]] += 1
        self.size += len(record[2]) + OVERHEAD

    def length(self, side: int) -> int:
        """Return how many bytes the records of a side have, with their headers."""
        return sum(HEADER + len(record[2]) for record in self._records if record[0] == side)

    def forget(self) -> None:
        """Keep none any more: nobody will read them."""
        self._records, self._counts, self.size = [], [0, 0], 0

    def end(self, side: int, how: int, time: int, packet: int) -> None:
        """Take note that TCP ended on a side: that comes after what waits."""
        if all(side != each[0] for each in self.ends):
            self.ends.append((side, how, time, packet))

    def drain(self, read: Callable[..., int]) -> int:
        """Let records be read, as far as may be; return 1 to let go."""
        if self._is_draining:
            # They are being read; what was agreed on meanwhile is seen there.
            return 0
        self._is_draining = True
        done = 0
        while not done and any(map(self._may_drain, self.handshake.senders)):
            waited = len(self._records)
            done = self._drain_once(read)
            if len(self._records) >= waited:
                break
        self._is_draining = False
        return done

    def _may_drain(self, sender: TlsSender) -> bool:
        """Say whether records of a side need not wait any longer, and some do."""
        if not self._counts[sender.side]:
            return False
        due = sender.ciphered and bool(sender.agreed)
        return self.handshake.is_decided or sender.opener is not None or due

    def _drain_once(self, read: Callable[..., int]) -> int:
        """Read each record that waited; of a side none before an earlier one that still waits."""
        waiting, self._records, self._counts, self.size = self._records, [], [0, 0], 0
        blocked: set[int] = set()
        for place, record in enumerate(waiting):
            sender, before = self.handshake.senders[record[0]], len(self._records)
            if sender.side in blocked or not self._may_read(sender):
                self.keep(record)
            elif read(sender, *record[1:]):
                for left in waiting[place + 1 :]:
                    self.keep(left)
                return 1
            if len(self._records) > before:
                blocked.add(sender.side)
        return 0

    def _may_read(self, sender: TlsSender) -> bool:
        """Say whether a record of a side need not wait, and go on to the keys it is due."""
        handshake = self.handshake
        if sender.ciphered and sender.opener is None and not handshake.is_tls_1_3:
            change(handshake, sender)
        return handshake.is_decided or sender.opener is not None
