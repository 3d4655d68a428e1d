"""Tensors of a file made plain: usable ones alone, parts put together, companions left out."""
