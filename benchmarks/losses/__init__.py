"""Captures with packets taken away, and what the analysis finds of what is left."""
