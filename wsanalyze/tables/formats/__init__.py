"""One file per format that tables are written in."""
