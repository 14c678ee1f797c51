"""What live.py measures of us: a live source, and all that is done with its packets.

    python live_reading.py SOURCE INTERFACE

Prints `ready`, reads until a line comes, and prints as JSON what it had by then.
"""

from __future__ import annotations

import gc
import json
import select
import sys

from wsanalyze.capture.live import open_live
from wsanalyze.limits import Limits
from wsanalyze.pipeline import Pass
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.columns import FrameColumns
from wsanalyze.tls.keylog import Secrets


def main(source: str, interface: str) -> None:
    """Follow the packets of an interface until somebody says that it is enough."""
    limits = Limits()
    live = open_live([interface], source=source, capture_filter="tcp")
    # Rows of frames, which is what tshark is asked for.
    wants = Wants(messages=False, contents=False, hashes=False, payloads="none")
    recording = Recording(wants, frames=FrameColumns(None))
    run = Pass(recording, limits, live.infos, Secrets(limits.secrets))
    gc.disable()
    print("ready", flush=True)
    while not select.select([0], [], [], 0)[0]:
        batch = live.next(0.1)
        if batch is not None:
            run.transport.feed(batch, run.counts[0])
    packets = run.counts[0].packets
    live.stop()
    while not live.ended:
        live.next(1)
    received = live.statistics()
    live.close()
    run.close()
    messages = sum(each.client_messages for each in recording.connections)
    lost = received.dropped_by_kernel
    print(json.dumps({"packets": packets, "messages": messages, "dropped": lost}))


if __name__ == "__main__":
    main(*sys.argv[1:])
