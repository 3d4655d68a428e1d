"""*Neural Networks Learn Distance Metrics* (arXiv 2502.02103)."""

from zoo.papers.learn_dm.learn_dm import reproduce

__all__ = ["reproduce"]
