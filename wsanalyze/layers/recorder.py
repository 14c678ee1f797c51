# cython: language_level=3, wraparound=False, initializedcheck=False
"""Where the layers put what they find: connections as records, frames and messages as columns."""

from __future__ import annotations

from wsanalyze.layer import Layer
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.observer import Inspector
from wsanalyze.layers.shortcut import Shortcut
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.layers.watch import Keyring
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.tls.keylog import Secrets
from wsanalyze.transport.conflict import Conflict
from wsanalyze.transport.reassembly import Direction
from wsanalyze.tunnels.refusal import CHALLENGE, Refusal, Wish
from wsanalyze.websocket.deflate import Memory
from wsanalyze.websocket.masking import Scratch

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


# Handshakes of TLS, 0.1 ms each, that are read where no rows of them are wanted and no secret is
# known: so many that it is told who left, and few enough that it costs next to nothing.
TLS_LOOKS = 4096


@cython.final
@cython.cclass
class Recorder:
    """Shared by all layers of one pass: what to keep, and where.

    `frames` and `messages` are None where nobody asked for rows; counting goes on without them.
    `contents`: whether messages are unmasked, inflated and checked. `observe`: whether what checks
    look at is noticed; `inspect` then looks into the beginnings of messages. `shortcut` counts
    messages where nobody wants rows.
    `secrets` open TLS connections; facts of them are put into `tls` where somebody asked for them.
    `tls_looks`: how many more handshakes are read for their reasons alone, without secrets.
    `streams` keeps bytes that somebody chose, None where nobody did.
    `summaries` has one row per capture, which counts what happened in it. `attempts` is how many
    connections began, the serial of the next. `held` is what HTTP holds back, `windows` the memory
    of all decoders, `kept_total` bounds what is kept of payloads,
    `conflicts` and `refusals` how many more of them may be kept; `reached` counts limits by name.
    Where somebody looks on while the pass is under way, `moved` gets each connection that begins,
    is answered, opens a session or is over, as often as it does, and `sessions` who reads its
    frames; records that were taken out of the recording and are kept are told in `elsewhere`.
    """

    def __init__(
        self, recording: Recording, limits: Limits, secrets: Secrets | None = None
    ) -> None:
        wants = recording.wants
        self.recording = recording
        self.limits = limits
        self.streams = recording.streams
        self.connections = recording.connections
        self.frames: FrameColumns | None = recording.frames
        self.messages: MessageColumns | None = recording.messages
        self.observe = wants.observe
        self.inspect: Inspector | None = None
        self.scratch = Scratch()
        self.contents = wants.contents or recording.messages is not None
        self.shortcut = Shortcut(self.scratch, self.contents)
        self.hashes = wants.hashes and recording.messages is not None
        self.keep = 0
        self.full = False
        if recording.messages is not None and wants.payloads != "none":
            self.full = wants.payloads == "full"
            self.keep = limits.payload if self.full else wants.preview_length
        self.kept = 0
        self.held = 0
        self.windows = Memory(limits.windows)
        self.keys = Keyring(limits.masking_keys)
        self.conflicts = limits.conflicts
        self.kept_total = limits.payload_total
        self.message_serial = 0
        self.reached: dict[str, int] = {}
        self.summaries: list[CaptureSummary] = []
        self.secrets = secrets if secrets is not None else Secrets(limits.secrets)
        self.tls: list[TlsConnection] | None = recording.tls if wants.tls else None
        self.tls_looks = TLS_LOOKS if wants.tls_reasons else 0
        self.refusals = limits.refusals
        # What proxies wanted credentials for, and may be asked for again.
        self.challenged: dict[Wish, Refusal] = {}
        self.attempts = self.elsewhere = 0
        self.most = -1 if wants.connections is None else wants.connections
        self.moved: list[Connection] | None = None
        self.sessions: dict[int, Layer] = {}

    def look_into(self, inspect: Inspector) -> None:
        """Let the beginnings of messages be inspected."""
        self.inspect = inspect
        self.shortcut.looks = True

    def has_room(self) -> bool:
        """Say whether one more attempt may be followed, where all of them keep their records.

        Where there is none, that is counted: whoever asks lets the attempt go by unread.
        """
        kept = len(self.connections) + self.elsewhere
        if self.most >= 0 or kept < self.limits.attempts:
            return True
        self.reach("attempts")
        return False

    def begin(self, connection: Connection) -> None:
        """Keep the record of a connection that was just recognised."""
        self.attempts += 1
        if self.most < 0 or len(self.connections) < self.most:
            self.connections.append(connection)
        self.move(connection)

    def move(self, connection: Connection) -> None:
        """Tell who looks on that something happened to a connection."""
        if self.moved is not None:
            self.moved.append(connection)

    def read_by(self, connection: Connection, session: Layer) -> None:
        """Tell who looks on that a session reads the frames of a connection."""
        if self.moved is not None:
            self.sessions[connection.serial] = session
            self.moved.append(connection)

    def settle(self, connection: Connection, capture: int, times: int = 1) -> None:
        """Count a connection that is over for the capture in which it began.

        `times` of -1 takes that back, of one that was not over.
        """
        connection.over = times > 0
        self.move(connection)
        summary = self.summaries[capture]
        outcome = "attempts_" + connection.outcome
        summary.attempts += times
        setattr(summary, outcome, getattr(summary, outcome) + times)
        summary.frames += times * (connection.client_frames + connection.server_frames)
        summary.messages += times * (connection.client_messages + connection.server_messages)
        summary.lost_bytes += times * (connection.client_lost_bytes + connection.server_lost_bytes)

    def refuse(self, refusal: Refusal) -> None:
        """Keep what a proxy refused, as far as there is room."""
        if self.refusals == 0:
            self.reach("refusals")
            return
        self.refusals -= 1
        self.recording.refusals.append(refusal)
        if refusal.code == CHALLENGE:
            if len(self.challenged) >= self.limits.refusals:
                del self.challenged[next(iter(self.challenged))]
            self.challenged[refusal.wish] = refusal

    def answered_again(self, wish: Wish, conversation: int, has_credentials: bool) -> None:
        """Take note of a proxy's answer to what it may have wanted credentials for before.

        On another connection it is the second try of who could not go on, and brings credentials.
        """
        before = self.challenged.get(wish)
        if before is None:
            return
        goes_on = has_credentials and not before.kept_open
        if goes_on or before.conversation == conversation:
            before.tried_again = True
            del self.challenged[wish]

    def contested(self, direction: Direction, start: int) -> tuple[Conflict, ...]:
        """Keep the conflicts of a direction from the one at `start` on, as far as there is room."""
        if direction.contested is None:
            return ()
        found = direction.contested[start:]
        kept = tuple(found[: self.conflicts])
        self.conflicts -= len(kept)
        for _ in range(len(found) - len(kept)):
            self.reach("conflicts")
        return kept

    def reach(self, limit: str) -> None:
        """Count that a limit was reached."""
        self.reached[limit] = self.reached.get(limit, 0) + 1
