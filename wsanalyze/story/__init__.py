"""What happened in a connection, as plain data: texts, diagrams and pages are made of it."""
