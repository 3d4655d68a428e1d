"""Files that are no networks of a known format: what they are, and what to do with them."""
