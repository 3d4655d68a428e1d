"""Ways to damage a file, by format."""
