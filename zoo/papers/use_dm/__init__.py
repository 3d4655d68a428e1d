"""*Neural Networks Use Distance Metrics* (arXiv 2411.17932)."""
