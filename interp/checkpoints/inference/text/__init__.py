"""Text classifiers whose tokens are pooled, as they are or behind convolutions side by side, from tensors alone."""
