"""A Batch starts empty and shows its packets."""

from __future__ import annotations

from crafted_captures import FRAME, TIME, pcap_header, pcap_record

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.pcap import PcapRecords, read_header


def test_a_new_batch_is_empty() -> None:
    batch = Batch(Buffer(b""), 4)
    assert (batch.count, batch.capacity, batch.capture, batch.packets()) == (0, 4, 0, [])


def test_packets_shows_what_was_filled_in() -> None:
    data = pcap_header() + pcap_record(wire=99)
    header = read_header(data)
    assert header is not None
    batch = Batch(Buffer(data), 4)
    PcapRecords(header, 1000).index(batch, 24, len(data))
    assert batch.packets() == [(1, TIME, 1, 99, FRAME)]
