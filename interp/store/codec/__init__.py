"""Recorded values that are packed without loss, a block of rows at a time."""
