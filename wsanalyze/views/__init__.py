"""What people look at: text made of records and escaped for its place."""
