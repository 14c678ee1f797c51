"""Fuzzing: targets with one invariant each, mutators that know the formats, and what runs them."""
