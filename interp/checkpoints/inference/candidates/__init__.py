"""Possible interpretations of a bare file, and which of them stands."""
