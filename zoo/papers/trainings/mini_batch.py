"""The mini-batch training that the follow-ups of several papers share: 784-128-10 on normalised inputs."""

from __future__ import annotations

from zoo.recipes import Recipe


def mini_batch(architecture: str, epochs: int) -> Recipe:
    """Describe one training: SGD with rate 0.01, momentum 0.9 and batches of 64, for a perceptron on MNIST.

    Parameters
    ----------
    architecture
        Name of a perceptron in `zoo.architectures.ARCHITECTURES`, with or without batch norm.
    epochs
        Number of passes over the training images.

    Returns
    -------
    Recipe
        The training, alike for every architecture.

    Examples
    --------
    >>> mini_batch("abs-bn", epochs=10).lr
    0.01
    """
    arguments = {"inputs": 784, "hidden": 128, "classes": 10}
    scaling = "(x/255-0.1307)/0.3081"
    return Recipe(
        architecture,
        architecture,
        "mnist",
        scaling,
        (784,),
        arguments,
        lr=0.01,
        momentum=0.9,
        batch=64,
        epochs=epochs,
    )
