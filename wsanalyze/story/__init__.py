"""What happened in a connection, as plain data: what terminal text, diagrams and pages are made of."""
