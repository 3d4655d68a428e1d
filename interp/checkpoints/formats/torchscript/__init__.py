"""TorchScript archives, read without running their code."""
