"""A rule of the handshake that one side broke."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsanalyze.websocket.credentials import logins

MAX_EVIDENCE = 200

# Characters of a quoted text, and what stands behind one that is cut.
LONGEST, CUT = 60, "..."

# Faults of one code kept of one sender: a head of 64 KiB can hold ten thousand bad parameters.
MAX_EACH = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a handshake does not keep, or a remark on one that it does.

    `code` is the ID of the check it becomes; `message` one sentence with the facts, in which text
    from the wire is quoted as Python quotes it; `field` the header field at fault (None for the
    start line); `evidence` the text at fault, as sent and shortened; `section` the documents and
    sections that say so; `sender` is `client` or `server`. `fatal` says that a success response
    is void for it: the client must fail the connection, or the request could not be upgraded.
    """

    code: str
    message: str
    field: str | None
    evidence: str
    section: str
    sender: str
    fatal: bool = False


class Faults:
    """Collects the faults of one sender, up to a number of each code."""

    __slots__ = ("_counts", "_found", "sender")

    def __init__(self, sender: str) -> None:
        """Begin with none; `sender` is `client` or `server`."""
        self.sender = sender
        self._found: list[Fault] = []
        self._counts: dict[str, int] = {}

    def add(
        self,
        code: str,
        message: str,
        section: str,
        *,
        field: str | None = None,
        evidence: str | None = None,
        fatal: bool = False,
    ) -> None:
        """Record one fault; beyond the limit of its code it is only counted."""
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= MAX_EACH:
            shown = (evidence or "")[:MAX_EVIDENCE]
            self._found.append(Fault(code, message, field, shown, section, self.sender, fatal))

    def found(self) -> tuple[Fault, ...]:
        """Return the faults in order; the last one kept of a code says how many are left out."""
        faults = list(self._found)
        for code, count in self._counts.items():
            if count > MAX_EACH:
                place = max(i for i, fault in enumerate(faults) if fault.code == code)
                message = f"{faults[place].message} (and {count - MAX_EACH} more of this kind)"
                faults[place] = replace(faults[place], message=message)
        return tuple(faults)


def shown(text: str | None) -> str:
    """Return wire text quoted for a message: escaped and shortened; `nothing` for None."""
    if text is None:
        return "nothing"
    if len(text) <= LONGEST:
        return ascii(text)
    stop = LONGEST - len(CUT)
    # The `@` that tells a login is behind the cut: it begins there.
    starts = [start for start, end in logins(text[: 2 * MAX_EVIDENCE]) if start < stop < end]
    return ascii(text[: min([stop, *starts])] + CUT)
