"""One side of a TLS connection: where its records begin, and what opens them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from wsanalyze.layers.tls_lane import TlsLane
from wsanalyze.tls.choice import Candidates, Choice, Chooser
from wsanalyze.tls.hellos import TLS_1_2, TLS_1_3
from wsanalyze.tls.keylog import Secrets
from wsanalyze.tls.messages import CLIENT_HELLO, SERVER_HELLO, Messages
from wsanalyze.tls.schedule import next_secret
from wsanalyze.tls.suites import Suite

if TYPE_CHECKING:
    from wsanalyze.tls.ciphers import Opener

HEADER = 5
# Content types, RFC 8446 §5.1; first of the version.
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, MAJOR = 20, 21, 22, 23, 3
# The longest body of a record: RFC 5246 §6.2.3 allows 2048 bytes more than what is inside, TLS 1.3
# 256 (RFC 8446 §5.2). What is inside at most.
LONGEST, LARGEST = 16_384 + 2048, 16_384
# Records that may be missing before one is looked at: a hole of 90 kB full of the smallest.
MOST_MISSED = 4096
# Bytes that may be tried in vain, besides TRIES times those that the side sent; and no more than
# all connections together have left.
SPARE = 8 * 1024 * 1024
TRIES = 4
# What trying costs besides the bytes.
TRY = 256
# Renegotiations that one side may be behind the other.
MOST_AGREED = 16
# Content types before TLS 1.3, whose records say them although they are protected.
ANY_KIND = b"[\x14-\x17]"


class Epoch:
    """What opens the records of one epoch of TLS 1.3; made when it is first tried.

    `candidates`: the secrets of which it may be made. The first record that opens tells which.
    """

    __slots__ = ("_opener", "candidates", "is_application", "suite")

    def __init__(self, suite: Suite, secrets: Sequence[bytes], *, is_application: bool) -> None:
        self.suite = suite
        self.candidates = Candidates(secrets)
        self.is_application = is_application
        self._opener: Opener | None = None

    @property
    def opener(self) -> Opener:
        """Who opens its records."""
        if self._opener is None:
            self._opener = Choice(self.candidates, partial(_opener_of, self.suite)).opener()
        return self._opener

    def updated(self) -> Epoch:
        """Return what follows a KeyUpdate, RFC 8446 §7.2."""
        following = [next_secret(each, self.suite.hash) for each in self.candidates.secrets]
        return Epoch(self.suite, following, is_application=True)


def _opener_of(suite: Suite, secret: bytes) -> tuple[Opener, ...]:
    from wsanalyze.tls.ciphers import Opener13

    return (Opener13(suite, secret),)


class TlsSender(TlsLane):
    """What one end sent: records cut anywhere by segments, then opened one after the other.

    - `pending`: bytes of a record that is not whole, `needed` how many it takes as far as is known;
      `skipping`: how many of its bytes are to be passed over, since some are missing
    - `seeking`: whether the next record has to be looked for; `lost` is how many bytes of records
      were not opened since the last that was, `missed` how many records that may have been at most
    - `ciphered`: whether its records are protected (TLS 1.2: since its ChangeCipherSpec)
    - `tried_blind`: how many of its records were tried with secrets of unknown connections
    - `opener` and `sequence`: for the next record. `epochs`: TLS 1.3's, the current one first;
      `agreed`: before it, who opens what comes behind its next ChangeCipherSpecs; `greeted`:
      whether it began to agree on them; `leap`: how many records are missing before the next, -1
      where that is not known
    - `updated`: whether its keys follow from others that were right; `torn`: whether bytes are
      missing since the last record that opened, `vague` whether their number is not known;
      `strayed`: whether what came behind it was no record although nothing was missing, so that
      bytes stand where they were not sent; `passed`: how many whole records did not open since
    - `padded`: whether a record of it had padding (RFC 8446 §5.4): so may those that are missing
    - `shut`: whether nothing that follows is tried any more, only counted; `keyless`: because no
      secret is known for it; `sealed`: how many bytes of whole records did not open since the last
      that did, `untold` how many bytes the layer within is to be told of that it does not see,
      `told` how many of `lost` are among them or were; `finished`: whether TLS 1.3's Finished was
      read, behind which nothing but the keys of application data opens
    """

    def __init__(self, side: int, secrets: Secrets) -> None:
        super().__init__()
        self.side = side
        self.secrets = secrets
        self.spare = 0
        self.pending = bytearray()
        self.needed = HEADER
        self.looked = 0
        self.skipping = 0
        self.seeking = False
        self.lost = self.missed = 0
        self.ciphered = False
        self.opener: Opener | None = None
        self.sequence = 0
        self.epochs: list[Epoch] = []
        self.agreed: list[Opener] = []
        self.greeted = False
        self.leap = 0
        self.messages = Messages()
        self.opened = self.skipped = 0
        self.sent = self.tried = 0
        self.has_certificate = False
        self.tried_blind = 0
        self.updated = self.torn = self.vague = self.strayed = False
        self.passed = 0
        self.padded = False
        self.shut = self.keyless = False
        self.sealed = self.untold = self.told = 0
        self.finished = False

    def fill(self, data: bytes, at: int) -> int:
        """Add to what is pending as much as the record takes, all where one is looked for."""
        stop = len(data) if self.seeking else at + self.needed - len(self.pending)
        self.pending += data[at:stop]
        return min(stop, len(data))

    def begins(self) -> bool:
        """Say whether what is pending may begin a record, and take note of how long it is."""
        length = self.pending[3] << 8 | self.pending[4]
        self.needed = HEADER + length
        return is_header(self.pending[0], self.pending[1], length)

    def maybe_candidate(self, version: int) -> tuple[bytes, bytes] | None:
        """Return header and body of what may be the next record; None where it is not whole yet."""
        at = next_header(self.pending, self.looked, version)
        if at < 0:
            at = max(len(self.pending) - HEADER + 1, 0)
        self.miss(at)
        del self.pending[:at]
        self.looked = 0
        if len(self.pending) < HEADER:
            return None
        stop = HEADER + (self.pending[3] << 8 | self.pending[4])
        if len(self.pending) < stop:
            return None
        return bytes(self.pending[:HEADER]), bytes(self.pending[HEADER:stop])

    def go_on(self, stop: int) -> bytes:
        """Look for records no more: one was found that ends at `stop`; return what is behind it."""
        rest = bytes(self.pending[stop:])
        self.seeking, self.pending, self.needed = False, bytearray(), HEADER
        return rest

    def passes(self, length: int) -> bool:
        """Pass over missing bytes; return False where they leave open where a record begins."""
        self.torn = True
        if self.skipping >= length > 0:
            self.skipping -= length
            self.miss(length)
            return True
        missing = self.needed - len(self.pending)
        if self.seeking or self.needed == HEADER or length > missing:
            return False
        self.miss(len(self.pending) + length)
        self.pending, self.needed = bytearray(), HEADER
        self.skipping = missing - length
        return True

    def lose(self, length: int) -> None:
        """Forget where records begin, behind missing bytes; negative: at most so many."""
        self.torn = True
        self.vague |= length < 0
        self.miss(len(self.pending) + self.skipping + abs(length))
        self.pending, self.needed, self.looked = bytearray(), HEADER, 0
        self.skipping = 0
        self.seeking = True
        self.messages.forget()

    def begin_at_hello(self) -> None:
        """Begin with a hello: what is missing before it was said to a proxy, and no TLS."""
        self.seeking = False
        self.lost = self.missed = 0

    def close(self, *, keyless: bool) -> None:
        """Look at nothing more that it sends, be it that there is no key for it."""
        self.shut, self.keyless = True, keyless
        self.opener, self.seeking = None, False
        self.pending, self.needed, self.skipping = bytearray(), HEADER, 0
        self.lost = self.missed = 0
        self.messages.forget()

    @property
    def lacks_application(self) -> bool:
        """Whether TLS 1.3's secret of its handshake is known, and the one for what follows not."""
        return bool(self.epochs) and not self.epochs[-1].is_application

    @property
    def misfits(self) -> bool:
        """Whether the secret of what follows the handshake most likely is not the right one."""
        return self.finished and self.sequence == 0 and not (self.updated or self.torn)

    @property
    def held(self) -> int:
        """Bytes that are kept of what it sent, an unfinished record counted whole."""
        pending = max(self.needed, len(self.pending)) if self.pending else 0
        return pending + len(self.messages.data)

    def open_alone(self, data: bytes) -> bytes | None:
        """Open a segment that is a record of application data, no more and no less.

        That is what most segments with a small message are; None for all others.
        """
        if (
            self.opener is None
            or data[0] != APPLICATION_DATA
            or len(data) < HEADER
            or len(data) != HEADER + (data[3] << 8 | data[4])
            or data[1] != MAJOR
            or self.seeking
            or self.skipping
        ):
            return None
        content = self.opener.open(self.sequence, data[:HEADER], data[HEADER:])
        if content is not None:
            self.sequence += 1
            self.opened += 1
            self.skipped = 0
        return content

    def settle(self) -> None:
        """Go on without choice, where it was made: it would be looked for with every record."""
        if isinstance(self.opener, Chooser) and self.opener.chosen is not None:
            self.opener = self.opener.chosen

    def begin(self, opener: Opener) -> None:
        """Go on with other keys."""
        self.updated = self.greeted = False
        self.opener, self.sequence, self.ciphered = opener, 0, True

    def agree(self, opener: Opener) -> None:
        """Take who opens its records behind a ChangeCipherSpec."""
        if len(self.agreed) < MOST_AGREED:
            self.agreed.append(opener)

    def begin_agreed(self, place: int = 0) -> bool:
        """Go on with keys that were agreed on; return False where there are none."""
        if not self.agreed:
            return False
        opener = self.agreed[place]
        del self.agreed[: place + 1]
        self.begin(opener)
        return True

    def begin_epochs(self, epochs: list[Epoch]) -> None:
        """Take the epochs of TLS 1.3, in their order."""
        self.epochs = epochs
        if epochs:
            self.begin(epochs[0].opener)

    def advance(self) -> None:
        """Go on to the next epoch, where there is one: its messages said so."""
        if len(self.epochs) > 1:
            del self.epochs[0]
            self.begin(self.epochs[0].opener)

    def update(self) -> None:
        """Go on with the keys behind a KeyUpdate."""
        if self.epochs:
            self.epochs = [self.epochs[-1].updated()]
            self.begin(self.epochs[0].opener)
            self.updated = True

    @property
    def is_sure(self) -> bool:
        """Whether the next record has to open: the keys are right, and nothing is missing."""
        return (self.sequence > 0 or self.updated) and not self.torn

    def open(self, header: bytes, body: bytes | memoryview) -> bytes | None:
        """Open a record; None where no key and no sequence number that may be due fits it.

        Where records are missing, or one did not open, those that may follow are tried; the tag
        decides. `skipped` is then how many were passed over, -1 where that is not known.
        """
        if self.opener is None:
            return None
        content = self.opener.open(self.sequence, header, body)
        if content is None:
            return self._search(header, body)
        self.sequence += 1
        self.opened += 1
        self.skipped, self.leap = self.leap, 0
        return content

    def _search(self, header: bytes, body: bytes | memoryview) -> bytes | None:
        expected = self.sequence
        if self.opener is not None:
            content = self._try(self.opener, expected + 1, self.missed, header, body)
            if content is not None:
                self.skipped = self.sequence - 1 - expected
                return content
        self.skipped = -1
        for place, opener in enumerate(self.agreed):
            content = self._try(opener, 0, self.missed + 1, header, body)
            if content is not None:
                sequence = self.sequence
                self.begin_agreed(place)
                self.sequence = sequence
                return content
        for place, epoch in enumerate(self.epochs[1:], 1):
            content = self._try(epoch.opener, 0, self.missed + 1, header, body)
            if content is not None:
                if self.sequence == 1 and not self.epochs[0].is_application:
                    self.skipped = 0
                del self.epochs[:place]
                self.opener = epoch.opener
                return content
        if self.missed and self.opened and self.epochs and self.epochs[-1].is_application:
            updated = self.epochs[-1].updated()
            content = self._try(updated.opener, 0, self.missed, header, body)
            if content is not None:
                self.epochs, self.opener = [updated], updated.opener
                return content
        return None

    def _try(
        self, opener: Opener, first: int, count: int, header: bytes, body: bytes | memoryview
    ) -> bytes | None:
        """Try `count` sequence numbers from `first` on."""
        for sequence in range(first, first + count):
            self.tried += len(body) + TRY
            if self.is_tired:
                return None
            content = opener.open(sequence, header, body)
            if content is not None:
                self.sequence = sequence + 1
                self.opened += 1
                return content
        return None

    @property
    def is_tired(self) -> bool:
        """Whether so much was tried in vain that it is not worth going on."""
        while self.tried > self.spare + TRIES * self.sent:
            more = self.secrets.more_to_try() if self.spare < SPARE else 0
            if not more:
                return True
            self.spare += more
        return False

    def miss(self, length: int) -> None:
        """Take note of bytes of records that were not opened."""
        self.lost += length
        smallest = HEADER + (self.opener.least if self.opener is not None else 1)
        self.missed = min(-(-self.lost // smallest), MOST_MISSED)

    def found_again(self, *, early: bool) -> int:
        """Return how many bytes of content are missing before the record that was just opened.

        Exact where the suite always adds as much, nothing is padded, and TCP's numbers can be
        right; else negative: at most as many. `early`: whether it may have sent 0-RTT data.
        """
        lost, self.lost, self.missed = self.lost, 0, 0
        passed, torn, self.passed, self.torn = self.passed, self.torn, 0, False
        vague, self.vague = self.vague, False
        strayed, self.strayed = self.strayed, False
        if self.skipped == 0:
            # What came between was no record of its own: said in the clear, or forged.
            is_first = self.sequence == 1 and bool(self.epochs) and not self.updated
            return -lost if early and is_first else 0
        if vague or self.opener is None or self.skipped < 0 or self.opener.overhead < 0:
            return -lost
        if strayed or not (torn or passed == self.skipped):
            # Segments with wrong numbers: bytes are missing that nobody misses.
            return -self.skipped * LARGEST
        missing = max(lost - self.skipped * (HEADER + self.opener.overhead), 0)
        return -missing if self.padded else missing


def is_header(kind: int, major: int, length: int) -> bool:
    """Say whether five bytes may begin a record: content type, first of the version, length."""
    return 20 <= kind <= 24 and major == MAJOR and length <= LONGEST


def is_hello(data: bytes) -> bool:
    """Say whether bytes begin with a record of a ClientHello or a ServerHello (RFC 8446 §4)."""
    if len(data) < HEADER + 1 or data[0] != HANDSHAKE:
        return False
    return data[HEADER] in (CLIENT_HELLO, SERVER_HELLO) and is_header(
        data[0], data[1], data[3] << 8 | data[4]
    )


def next_header(data: bytearray, at: int, version: int) -> int:
    """Return where from `at` on a record may begin, -1 for nowhere.

    Where it is not known to be before TLS 1.3, one with application data.
    """
    # TLS 1.3 says that it is 1.2 (RFC 8446 §5.1).
    said = min(version or TLS_1_2, TLS_1_2)
    kinds = ANY_KIND if 0 < version < TLS_1_3 else bytes((APPLICATION_DATA,))
    begin = re.compile(kinds + re.escape(said.to_bytes(2, "big")))
    while (match := begin.search(data, at)) is not None:
        at = match.start()
        if len(data) - at < HEADER or data[at + 3] << 8 | data[at + 4] <= LONGEST:
            return at
        at += 1
    return -1
