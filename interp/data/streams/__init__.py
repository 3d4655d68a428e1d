"""Batches of samples: what they hold, how they are joined in memory or on disk, and what gives them."""
