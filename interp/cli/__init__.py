"""The same program for a terminal."""
