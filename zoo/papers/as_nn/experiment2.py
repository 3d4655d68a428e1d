"""Experiment 2 of as-NN (table 5): MNIST perceptrons whose logits are negated activations."""

from __future__ import annotations

from zoo.recipes import Recipe

RUNS, EPOCHS = 10, 50
CONDITIONS = {
    "relu": ("relu2-neg", "he-normal"),
    "relu_bias_sampling": ("relu2-neg", "he-normal-sampled"),
    "abs": ("abs2-neg", "he-normal"),
    "abs_bias_sampling": ("abs2-neg", "he-normal-sampled"),
}


def recipe(condition: str, epochs: int = EPOCHS) -> Recipe:
    """Describe one condition: 784-128-10, SGD with rate 0.001 and momentum 0.9, batches of 64.

    Parameters
    ----------
    condition
        Name of the condition in `CONDITIONS`, a column of table 5.
    epochs
        Number of epochs; 50 as published.

    Returns
    -------
    Recipe
        Mini-batch training on normalised MNIST.

    Examples
    --------
    >>> recipe("abs_bias_sampling").architecture, recipe("abs_bias_sampling").init
    ('abs2-neg', 'he-normal-sampled')
    """
    architecture, init = CONDITIONS[condition]
    return Recipe(
        condition.replace("_", "-"),
        architecture,
        "mnist",
        "(x/255-0.1307)/0.3081",
        (784,),
        {"inputs": 784, "hidden": 128, "classes": 10},
        init=init,
        lr=0.001,
        momentum=0.9,
        batch=64,
        epochs=epochs,
    )
