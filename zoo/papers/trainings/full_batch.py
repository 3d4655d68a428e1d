"""The full-batch trainings that use-DM and learn-DM share: 784-128-10 on raw pixels."""

from __future__ import annotations

from zoo.recipes import Recipe

EPOCHS, LONG = 5_000, 50_000
VARIANTS = ("abs", "relu", "abs2", "relu2", "abs2-neg", "relu2-neg")
DISTANCES = ("abs-l2", "relu-l2", "abs-l2-neg", "relu-l2-neg")
SIZES = {"inputs": 784, "hidden": 128, "classes": 10}


def full_batch(architecture: str, *, final_bias: bool = True, epochs: int = EPOCHS) -> Recipe:
    """Describe one training of use-DM and learn-DM: SGD with rate 0.001, no momentum, PyTorch's own initialisation.

    The papers (arXiv 2411.17932, 2502.02103) say that pixels are normalised; their figures come from raw 0..255 pixels,
    with which this learning rate converges.

    Parameters
    ----------
    architecture
        Name of one of `VARIANTS` or `DISTANCES`, or of any other perceptron of the zoo.
    final_bias
        Whether the last linear layer has a bias; without, the recipe's name ends in ``-nobias``.
    epochs
        Number of epochs: 5,000 as published, 50,000 in learn-DM's extended table.

    Returns
    -------
    Recipe
        Full-batch training of 784-128-10 on MNIST.

    Examples
    --------
    >>> recipe = full_batch("abs2-neg", final_bias=False)
    >>> recipe.name, recipe.epochs, recipe.scaling
    ('abs2-neg-nobias', 5000, 'raw')
    """
    arguments: dict[str, object] = dict(SIZES)
    name = architecture
    if architecture in DISTANCES:
        arguments["weighting"] = "reference"  # of the runs behind the published figures
    elif not final_bias:
        arguments["final_bias"] = False
        name += "-nobias"
    return Recipe(
        name,
        architecture,
        "mnist",
        "raw",
        (784,),
        arguments,
        init="default",
        lr=0.001,
        momentum=0.0,
        batch=0,
        epochs=epochs,
    )
