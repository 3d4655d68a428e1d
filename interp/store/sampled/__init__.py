"""Recordings of some samples: which they are, and what is known of all."""
