"""Stories of recorded connections: their facts, not their words."""
