"""What live.py measures of us: a live session, all that is done with its packets.

    python live_reading.py SOURCE INTERFACE

Prints `ready`, reads until a line comes, and prints as JSON what it had by then.
"""

from __future__ import annotations

import json
import select
import sys

from wsanalyze.capture.live import open_live
from wsanalyze.limits import Limits
from wsanalyze.monitoring.judging import Judge
from wsanalyze.monitoring.session import Session
from wsanalyze.recording import Wants


def main(source: str, interface: str) -> None:
    """Follow the packets of an interface until somebody says that it is enough."""
    live = open_live([interface], source=source, capture_filter="tcp")
    # As on a terminal: of a look's messages the last few become events.
    session = Session(
        live,
        wants=Wants(observe=True, hashes=False),
        limits=Limits(),
        judge=Judge(),
        most=20,
    )
    print("ready", flush=True)
    while not select.select([0], [], [], 0)[0]:
        session.pump(0.1)
    packets = session.taken
    live.stop()
    while not live.ended:
        live.next(1)
    received = live.statistics()
    live.close()
    session.run.close()
    messages = session.run.summaries[0].messages
    lost = received.dropped_by_kernel
    print(json.dumps({"packets": packets, "messages": messages, "dropped": lost}))


if __name__ == "__main__":
    main(*sys.argv[1:])
