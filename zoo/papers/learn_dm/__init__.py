"""*Neural Networks Learn Distance Metrics* (arXiv 2502.02103)."""
