"""Processes that open damaged files, and what is seen of them."""
