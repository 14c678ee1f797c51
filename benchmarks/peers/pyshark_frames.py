"""Peer: list the WebSocket frames of a capture with pyshark. `python pyshark_frames.py FILE`."""

from __future__ import annotations

import sys

import pyshark


def main(path: str) -> None:
    """Let tshark dissect, read its XML through pyshark, print each WebSocket layer."""
    capture = pyshark.FileCapture(path, display_filter="websocket", keep_packets=False)
    try:
        for packet in capture:
            for layer in packet.layers:
                if layer.layer_name == "websocket":
                    fields = (layer.opcode, layer.payload_length, layer.mask)
                    print(packet.number, *fields, sep="\t")
    finally:
        capture.close()


if __name__ == "__main__":
    main(sys.argv[1])
