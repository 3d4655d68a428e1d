"""Which networks the survey trains, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zoo.recipes import Recipe

ACTIVATIONS = ("relu", "abs", "tanh", "gelu", "sigmoid")
SEEDS = 5

PACE: dict[str, dict[str, int | float]] = {
    "digits": {"inputs": 64, "hidden": 48, "epochs": 40, "batch": 32, "lr": 0.01},
    "mnist": {"inputs": 784, "hidden": 64, "epochs": 5, "batch": 64, "lr": 0.01},
    "cifar10_part": {"inputs": 3072, "hidden": 64, "epochs": 10, "batch": 64, "lr": 0.003},
}
"""Data set -> sizes and pace of its networks."""
SCALINGS = {"digits": "x/16", "mnist": "(x/255-0.1307)/0.3081", "cifar10_part": "(x-mean)/std"}
DEPTHS = (1, 2, 3, 4)
"""Numbers of hidden layers."""
RECTIFIED = ("relu", "gelu")
"""Activations that take half of a layer's variance away, for which weights start larger."""
FASTER = 20.0
"""Factor of the learning rate with sigmoids, whose slope is a quarter at most."""


@dataclass(frozen=True)
class Condition:
    """What the networks of some seeds have in common.

    Attributes
    ----------
    data
        Name of the data set.
    activation
        Name of the activation.
    depth
        Number of hidden layers.
    """

    data: str
    activation: str
    depth: int

    def recipe(self, data: str | None = None, classes: int = 10) -> Recipe:
        """Say how its networks are trained.

        Parameters
        ----------
        data
            Name or path under which the data set opens, where that is not its own name.
        classes
            Number of classes.

        Examples
        --------
        >>> Condition("digits", "relu", 2).recipe().name
        'relu-2'
        """
        pace = PACE[self.data]
        faster = FASTER if self.activation == "sigmoid" else 1.0
        return Recipe(
            f"{self.activation}-{self.depth}",
            f"deep-{self.activation}",
            data or self.data,
            SCALINGS[self.data],
            (int(pace["inputs"]),),
            {"inputs": pace["inputs"], "hidden": pace["hidden"], "depth": self.depth, "classes": classes},
            init="he-normal" if self.activation in RECTIFIED else "xavier-uniform",
            lr=faster * pace["lr"],
            momentum=0.9,
            batch=int(pace["batch"]),
            epochs=int(pace["epochs"]),
        )


def conditions() -> Iterator[Condition]:
    """List every condition of the survey, data set after data set.

    Examples
    --------
    >>> len(list(conditions()))
    60
    """
    for data in PACE:
        for depth in DEPTHS:
            for activation in ACTIVATIONS:
                yield Condition(data, activation, depth)
