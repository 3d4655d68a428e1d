"""*Neural Networks as Nearest Neighbors* (2024)."""
