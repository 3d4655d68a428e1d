"""Mutated checkpoints: seeds of every format, ways to damage them, and processes that open what comes out."""
