"""Documentation that cannot become stale: examples that run, names that exist."""
