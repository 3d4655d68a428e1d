"""Scalings of stored inputs: those that are usual, and those that a user writes."""
