"""model x data -> Recording, streamed to disk."""
