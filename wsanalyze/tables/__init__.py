"""The tables: their declaration, what they are built of, and the formats they are written in."""
