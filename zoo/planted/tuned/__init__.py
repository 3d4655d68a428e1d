"""Layers whose every node belongs to one class, and the networks that are put together from them."""
