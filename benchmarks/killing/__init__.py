"""Parts of ``benchmarks/kills.py``: commands that are killed, what must hold of their files, and the moments."""
