"""Cells of tables: numbers, shares, scores and small drawings as the reader sees them."""
