"""The analysis while it happens: packets as they come in, events as they come out."""
