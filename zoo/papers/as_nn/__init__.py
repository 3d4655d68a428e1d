"""*Neural Networks as Nearest Neighbors* (2024)."""

from zoo.papers.as_nn.as_nn import reproduce

__all__ = ["reproduce"]
