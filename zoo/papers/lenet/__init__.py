"""LeNet-5 with ReLU and with Abs, left open in as-NN."""

from zoo.papers.lenet.lenet import reproduce

__all__ = ["reproduce"]
