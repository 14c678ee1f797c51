"""The version of wsanalyze, where every room may know it. Metadata of the install cost 20 ms."""

# Also in pyproject.toml; a test compares them.
VERSION = "0.1.0"
