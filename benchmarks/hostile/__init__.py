"""Captures that are made to cost much: generators of attacks, for attacks.py."""
