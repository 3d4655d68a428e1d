"""What stands in tables: numbers, shares, scores and cells as the reader sees them."""
