"""HTTP/2 without I/O: frames, field blocks, windows, and frames behind a hole (RFC 9113, 7541)."""
