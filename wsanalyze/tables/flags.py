"""What the flags of TCP segments are called."""

from __future__ import annotations

# In the order of their bits (RFC 9293 §3.1; NS: RFC 3540), which is how `SYN,ACK` reads, too.
FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS")
FLAG_TEXTS = [
    ",".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)
    for flags in range(1 << len(FLAGS))
]
