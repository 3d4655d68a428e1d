"""*Neural Networks Use Distance Metrics* (arXiv 2411.17932)."""

from zoo.papers.use_dm.use_dm import reproduce

__all__ = ["reproduce"]
