"""What a byte stream speaks, and what is inside it."""
