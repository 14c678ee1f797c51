"""What several rooms' tests share: crafted packets, frames, sessions, and tables to compare."""
