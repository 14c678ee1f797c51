"""Who cut a connection, how, and after what: facts put together for a sentence to act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from wsanalyze.checks.facts import Facts, described, ending_name
from wsanalyze.checks.intermediaries import signs
from wsanalyze.checks.pipelining import http_among_frames
from wsanalyze.checks.spans import counted, span
from wsanalyze.checks.ways_to_end import ended_tls, reset_code, said_by_http2, said_by_tls
from wsanalyze.observation import Ending, Event
from wsanalyze.tunnels.way import sources

SECOND = 1_000_000_000
# Seconds without a frame that are no silence.
AT_ONCE_S = 0.01

# Idle times after which common intermediaries close a connection, in seconds.
DEFAULTS = (
    (55.0, "the limit of Heroku's router"),
    (60.0, "the default of nginx (proxy_read_timeout), Apache's proxy and AWS ALB"),
    (100.0, "the limit of Cloudflare"),
    (240.0, "the default of Azure Load Balancer"),
    (300.0, "the default of Envoy's streams"),
    (350.0, "the limit of AWS NLB"),
    (600.0, "the default of Google Cloud's load balancers for TCP"),
    (900.0, "the default of Squid (read_timeout)"),
    (3600.0, "an hour, the value in HAProxy's examples of timeout tunnel"),
)


@dataclass(frozen=True, slots=True)
class Cut:
    """How a connection ended that had no complete closing handshake.

    `by` is who ended it, `how` the way (`fin`, `rst`); `idle_s` the seconds without a frame before
    that, `after` the last frame, or the HTTP in the place of one; `age_s` the connection's age;
    `wire` what it was on the wire. `tls_by` is whose close_notify came first, before that; None
    where none did. `signs` say why it looks like an intermediary's doing, each one
    a fact; none where nothing does.
    """

    by: str
    how: str
    packet: int
    time: int
    idle_s: float | None
    age_s: float
    after: Event | None
    signs: tuple[str, ...]
    wire: str = ""
    tls_by: str | None = None

    @property
    def began(self) -> str:
        """Who began to end it: who ended TLS first, else who ended TCP."""
        return self.tls_by or self.by

    @property
    def began_with(self) -> str:
        """What it began with on the wire: `wire`, or the close_notify of the other end."""
        return self.wire if self.began == self.by else "close_notify"


def maybe_cut(facts: Facts) -> Cut | None:
    """Return how a session was cut; None where it was not, or that cannot be told.

    A session is cut where TCP ended and no Close frame had been sent (RFC 6455 §7.1.5).
    """
    # A dozen checks ask.
    if facts.cut == ():
        facts.cut = _cut_of(facts)
    return cast("Cut | None", facts.cut)


def _cut_of(facts: Facts) -> Cut | None:
    observation, record = facts.observation, facts.connection
    if not observation.endings or not facts.established or record.outcome == "invalid":
        return None
    if observation.client.close is not None and observation.server.close is not None:
        # One of them is of the end that ended it.
        return None
    first = effective(facts)
    for close in (observation.client.close, observation.server.close):
        # One that is said to who had gone already ends nothing any more: to the other end, or
        # behind a RST in one's own name that was somebody else's.
        if close is not None and (close.time <= first.time or _was_open(facts, close, first)):
            return None
    handshake = facts.handshake
    if handshake is not None and handshake.is_hixie:
        # The closing handshake of Hixie-76 is no Close frame, and Hixie-75 has none.
        return None
    if not (facts.whole("client") and facts.whole("server")):
        # The Close may be among what is missing.
        return None
    if not first.stream and facts.end_missing(first.sender):
        # So it may where nobody acknowledged what is missing before the FIN.
        return None
    idle = observation.silence_ns
    after = last_frame(facts)
    return Cut(
        by=first.sender,
        how=first.how,
        packet=first.packet,
        time=first.time,
        idle_s=None if idle is None else idle / SECOND,
        age_s=(first.time - record.started) / SECOND,
        after=after,
        signs=tuple(intermediary_signs(facts)),
        wire=ending_name(first),
        tls_by=ended_tls(facts, first),
    )


def _was_open(facts: Facts, close: Event, end: Ending) -> bool:
    """Whether a Close that was sent behind an end of TCP had somebody to be sent to."""
    if close.sender != end.sender:
        return False
    return end.how != "rst" or not reset_signs(facts, end)


def effective(facts: Facts) -> Ending:
    """Return the FIN or RST that the column `ended_by` is about, the first one where it is none.

    A RST after which its sender went on was not its own, and may have ended nothing (PRX-12).
    """
    endings, by = facts.observation.endings, facts.connection.ended_by
    return next((each for each in endings if f"{each.sender}-{each.how}" == by), endings[0])


def was_a_try(facts: Facts, cut: Cut) -> bool:
    """Tell whether a client left at once and nothing had been said.

    Who only looks whether it can connect does so; a server that ends it is another matter.
    """
    record = facts.connection
    said = record.client_frames or record.server_frames or last_frame(facts)
    return not said and cut.age_s < 1.0 and cut.began == "client" and not cut.signs


def last_frame(facts: Facts) -> Event | None:
    """Return the last frame of either end, or the HTTP that stands in the place of one."""
    ends = ("client", "server")
    last = [facts.side(each).last for each in ends]
    last += [http_among_frames(facts, each) for each in ends]
    frames = [event for event in last if event is not None]
    return max(frames, key=lambda event: event.time, default=None)


def intermediary_signs(facts: Facts) -> list[str]:
    """Return why the end looks like a middlebox's doing, as far as one capture shows."""
    signs = []
    for ending in facts.observation.endings:
        if ending.how == "rst":
            signs += reset_signs(facts, ending)
    both = both_ends(facts)
    if both is not None:
        signs.append(f"both ends were told within {span(both)} of each other")
    return list(dict.fromkeys(signs))


def reset_signs(facts: Facts, reset: Ending) -> list[str]:
    """Return why a RST does not look like its sender's own (RFC 9293 §3.5.3, RFC 5961 §3)."""
    signs = []
    usual = reset.usual_ttl
    if usual is not None and abs(reset.ttl - usual) > facts.thresholds.hops:
        signs.append(
            f"the RST in the {reset.sender}'s name has a TTL of {reset.ttl}, "
            f"its other packets {usual}"
        )
    sent = getattr(facts.observation, f"{reset.sender}_after_own_reset")
    # What stands before the RST in the sequence was sent before it, and only captured later.
    if sent > max(reset.behind, 0):
        signs.append(
            f"the {reset.sender} sent {counted(sent, 'more byte')} after a RST in its name"
        )
    return signs


def both_ends(facts: Facts) -> int | None:
    """Return the ns between RSTs to both ends, where one follows the other at once.

    A FIN is answered by a FIN as soon as the application closes, and a reset ends both sides: only
    two RSTs, neither of them the answer to the other's data, are told to both ends by a third.
    """
    resets = [each for each in facts.observation.endings if each.how == "rst"]
    if len({each.sender for each in resets}) < 2:
        return None
    # An end that was reset answers what still comes with a RST of its own: one that is not its own
    # counts before that.
    forged = {id(each) for each in resets if reset_signs(facts, each)}
    resets.sort(key=lambda each: id(each) not in forged)
    by_sender = {each.sender: each for each in reversed(resets)}
    apart = abs(by_sender["client"].time - by_sender["server"].time)
    return apart if apart <= facts.thresholds.both_ends_s * SECOND else None


def known_limit(seconds: float, facts: Facts) -> str | None:
    """Return whose default an idle time is, None where nobody's."""
    for limit, name in DEFAULTS:
        if abs(seconds - limit) <= max(1.0, limit * facts.thresholds.idle_part):
            return name
    return None


def limit_of(facts: Facts, cut: Cut, *, is_proxy: bool = False) -> str | None:
    """Return whose default the idle time before a cut is; None where nobody's.

    None, too, where the client ended it and nothing shows that a proxy asks in its place: the
    limits are those of who stands between. `is_proxy`: who ended it is known to be one.
    """
    own = cut.began == "client" and not (cut.signs or is_proxy or _asks_for_another(facts))
    return None if own or cut.idle_s is None else known_limit(cut.idle_s, facts)


def _asks_for_another(facts: Facts) -> bool:
    """Tell whether a request says that a proxy sent it."""
    head = facts.handshake.request_head if facts.handshake is not None else None
    return bool(sources(facts.connection.tunnel)) or (head is not None and bool(signs(head)))


def keepalive_s(facts: Facts) -> float | None:
    """Return the mean seconds between Pings, or unsolicited Pongs, of the end that sends more."""
    means = [
        spread.mean / SECOND
        for side in (facts.side("client"), facts.side("server"))
        for spread in (side.ping_ns, side.pong_only_ns)
        if spread.count
    ]
    return min(means, default=None)


def sentence(
    facts: Facts, cut: Cut, who: str = "", also: str = "", *, is_proxy: bool = False
) -> str:
    """Return one sentence: who ended the connection, how, after what, and what might help.

    `who` did it is the end that the packet names, where nothing else is known; `also`: what else is
    known of it; `is_proxy`: whether it was a proxy that began to end it.
    """
    end = effective(facts)
    verb = {"fin": "closed", "rst": "reset"}[cut.how]
    what = "TCP"
    if end.last is not None:
        verb, what = "gave up", "the HTTP/2 connection"
    elif end.stream:
        what = f"stream {facts.connection.http_stream}"
    code = reset_code(end)
    wire = cut.wire if code is None else f"{cut.wire}, {code}"
    did = f"{who or f'the {cut.by}'} {verb} {what} ({wire})"
    if cut.signs and cut.how == "rst":
        did = f"{what} was reset in the {cut.by}'s name ({wire})"
    text = f"{did} without a Close frame, {last_said(cut)}"
    text += f"; {also}" if also else ""
    for said in (said_by_tls(facts, end), said_by_http2(facts, end)):
        text += f"; {said}" if said else ""
    if cut.signs:
        text += f"; it looks like the doing of a middlebox: {'; '.join(cut.signs)}"
    return text + fits(facts, cut, is_proxy=is_proxy)


def fits(facts: Facts, cut: Cut, *, is_proxy: bool = False) -> str:
    """Say whose default an idle time fits, and what Pings have to do with it; nothing where none's.

    It goes behind a sentence.
    """
    known = limit_of(facts, cut, is_proxy=is_proxy)
    if known is None:
        return ""
    every = keepalive_s(facts)
    beat = "none came" if every is None else f"they had come every {every:.0f} s"
    return f"; that fits {known}: Pings more often than that keep it open, and {beat}"


def last_said(cut: Cut) -> str:
    """Say how long after which frame; who was cut off may not have known it, and gone on.

    In which packet that was, is evidence (`last_place`): it differs where all else is the same.
    """
    if cut.after is None:
        return "before any frame"
    frame = f"a {described(cut.after)} of the {cut.after.sender}"
    if cut.after.kind == "http":
        frame = f"HTTP that the {cut.after.sender} wrote in the place of one (FRM-13)"
    waited = "right after"
    if cut.idle_s is not None and cut.idle_s >= AT_ONCE_S:
        waited = f"{cut.idle_s:.3f} s after"
    if cut.after.time > cut.time:
        return f"{waited} a frame; frames still came, the last one {frame}"
    return f"{waited} the last frame, {frame}"


def last_place(cut: Cut) -> str:
    """Say where the last frame was, behind other evidence; nothing where there was none."""
    return "" if cut.after is None else f"; the last frame in packet {cut.after.packet}"
