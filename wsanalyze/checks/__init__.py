"""Checks: facts of connections in, findings out. No files, no clocks, no packets."""
