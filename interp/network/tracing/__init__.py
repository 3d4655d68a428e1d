"""One run of a network watched: which maps are called, and what becomes of their outputs."""
