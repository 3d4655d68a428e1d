"""Parts of ``benchmarks/planted.py``: which networks, what is done with each, and what is said of all."""
