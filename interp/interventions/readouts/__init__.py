"""What is made of the scores: curves, tolerances, tables."""
