"""Packets in: from files, pipes and interfaces to batches that the transport reads in place."""
