"""Simulations whose truth is known, for each kind of interval that the page prints."""
