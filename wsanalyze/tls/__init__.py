"""TLS 1.0 to 1.3 as passive readers need it: records, handshakes, keys and ciphers, from bytes."""
