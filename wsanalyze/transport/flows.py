# cython: language_level=3, wraparound=False, initializedcheck=False
"""The flow table: from the addresses and ports of a packet to its conversation."""

from __future__ import annotations

from array import array

from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.packet import Packet

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Odd 64-bit constants of good avalanche, from splitmix64 (Steele, Lea, Flood 2014).
FIRST_FACTOR = 0xBF58476D1CE4E5B9
SECOND_FACTOR = 0x94D049BB133111EB
ALL_BITS = 0xFFFFFFFFFFFFFFFF
FIRST_SLOTS = 1024

# What a slot holds that nobody has taken.
FREE = Conversation()


@cython.final
@cython.cclass
class FlowTable:
    """Open addressing with linear probing; at most half of the slots are taken.

    `digests[i]` is 0 where slot i is free, else the hash of `conversations[i]`'s key. The hash is
    keyed with `seed`, so that nobody can prepare packets that all fall into one slot.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed & ALL_BITS
        self.count = 0
        self.make(FIRST_SLOTS)

    def make(self, slots: cython.Py_ssize_t) -> None:
        """Start over with so many slots, a power of two."""
        self.mask = slots - 1
        self.digests = array("Q", bytes(8 * slots))
        self.conversations = [FREE] * slots

    def find(self, packet: Packet, side: cython.int) -> Conversation | None:
        """Return the conversation of `packet`, which `side` sent, or None; keep its digest."""
        low_high: cython.ulonglong = packet.target_high if side else packet.source_high
        low_low: cython.ulonglong = packet.target_low if side else packet.source_low
        high_high: cython.ulonglong = packet.source_high if side else packet.target_high
        high_low: cython.ulonglong = packet.source_low if side else packet.target_low
        low_port: cython.int = packet.target_port if side else packet.source_port
        high_port: cython.int = packet.source_port if side else packet.target_port
        # Unsigned before it is shifted: an int has no place for ports from 32,768 on.
        ports: cython.ulonglong = low_port
        ports = ports << 16 | high_port
        digest: cython.ulonglong = ((low_low ^ self.seed) * FIRST_FACTOR) & ALL_BITS
        digest ^= digest >> 31
        digest ^= high_low ^ (ports << 32)
        # Both ports into the lower half: a product's lower bits know nothing of upper ones.
        digest ^= digest >> 32
        digest = (digest * SECOND_FACTOR) & ALL_BITS
        if packet.family == 6:
            digest ^= digest >> 29
            digest = ((digest ^ low_high) * FIRST_FACTOR) & ALL_BITS
            digest ^= digest >> 30
            digest = ((digest ^ high_high) * SECOND_FACTOR) & ALL_BITS
        digest ^= digest >> 32
        # 0 marks a free slot.
        digest |= 1
        self.digest = digest
        slot: cython.Py_ssize_t = (digest >> 1) & self.mask
        conversation: Conversation
        while self.digests[slot] != 0:
            if self.digests[slot] == digest:
                conversation = self.conversations[slot]
                if (
                    conversation.low_low == low_low
                    and conversation.high_low == high_low
                    and conversation.low_port == low_port
                    and conversation.high_port == high_port
                    and conversation.low_high == low_high
                    and conversation.high_high == high_high
                    and conversation.family == packet.family
                ):
                    self.slot = slot
                    return conversation
            slot = (slot + 1) & self.mask
        self.slot = slot
        return None

    def add(self, packet: Packet, side: cython.int) -> Conversation:
        """Add a conversation for `packet`, for which `find` was just called.

        Where `find` found one, the new conversation takes its place.
        """
        conversation: Conversation = Conversation()
        conversation.family = packet.family
        conversation.low_high = packet.target_high if side else packet.source_high
        conversation.low_low = packet.target_low if side else packet.source_low
        conversation.high_high = packet.source_high if side else packet.target_high
        conversation.high_low = packet.source_low if side else packet.target_low
        conversation.low_port = packet.target_port if side else packet.source_port
        conversation.high_port = packet.source_port if side else packet.target_port
        conversation.digest = self.digest
        if self.digests[self.slot] == 0:
            self.count += 1
        self.digests[self.slot] = self.digest
        self.conversations[self.slot] = conversation
        if self.count * 2 > self.mask:
            self.rebuild(self.all(), (self.mask + 1) * 2)
        return conversation

    def all(self) -> list[Conversation]:
        """Return the conversations in the table, in no particular order."""
        return [each for each in self.conversations if each is not FREE]

    def keep(self, conversations: list[Conversation]) -> None:
        """Forget every conversation but these."""
        self.rebuild(conversations, self.mask + 1)

    def rebuild(self, conversations: list[Conversation], slots: cython.Py_ssize_t) -> None:
        """Lay the table anew with these conversations and so many slots."""
        conversation: Conversation
        slot: cython.Py_ssize_t
        self.make(slots)
        for conversation in conversations:
            slot = (conversation.digest >> 1) & self.mask
            while self.digests[slot] != 0:
                slot = (slot + 1) & self.mask
            self.digests[slot] = conversation.digest
            self.conversations[slot] = conversation
        self.count = len(conversations)
