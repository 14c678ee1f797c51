"""From packets to ordered bytes: headers, conversations, reassembly."""
