"""The protocol alone, on bytes: handshake, frames, masking, messages, deflate, close."""
