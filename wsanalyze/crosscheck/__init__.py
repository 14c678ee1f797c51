"""Our frames beside those of Wireshark's dissector: how many agree, what differs, and why."""
