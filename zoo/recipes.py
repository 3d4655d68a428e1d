"""How a network is trained: architecture, data and hyper-parameters, without a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from interp.errors import DataError, UsageError, unknown_name
from interp.types import Dataset
from zoo.architectures import ARCHITECTURES

DIGITS_LENET = {"side": 8, "kernels": [5, 3], "padding": [2, 1], "widths": [48, 32]}


@dataclass(frozen=True)
class Attack:
    """Projected gradient descent within a box around each input (Madry et al., arXiv 1706.06083).

    Attributes
    ----------
    radius
        Half the side of the box, in the unit of the scaled inputs.
    steps
        Number of gradient steps.
    reach
        Distance that all steps together can go, in radii; above 1 they reach the box's border.

    Examples
    --------
    >>> Attack(radius=0.1, steps=5, reach=1.5).step
    0.030000000000000006
    """

    radius: float
    steps: int = 5
    reach: float = 1.5

    @property
    def step(self) -> float:
        """Length of one step, in the unit of the scaled inputs."""
        return self.reach * self.radius / self.steps

    def settings(self) -> dict[str, float]:
        """Give the attack as plain values, by field."""
        return asdict(self)


@dataclass(frozen=True)
class Recipe:
    """Everything that shapes a training run but its seed.

    Attributes
    ----------
    name
        Name that its checkpoints begin with.
    architecture
        Name of the network in `zoo.architectures.ARCHITECTURES`.
    data
        Name or path of the data set, as `interp.data.load_dataset` takes it.
    scaling
        Scaling of stored inputs, as `interp.data.parse_scaling` reads it, such as ``x/16``.
    input_shape
        Shape of one sample as the network takes it, such as (784,) or (1, 28, 28).
    arguments
        Keyword arguments of the function that makes the network, such as its widths.
    init
        Name of the initialisation in `zoo.training.INITS`.
    lr, momentum
        Learning rate and momentum of stochastic gradient descent, v <- momentum v + g, w <- w - lr v.
    batch
        Number of samples a step; 0 for all of them (full batch).
    epochs
        Number of passes over the training data.
    attack
        Attack that every mini-batch is changed by before the step on it; None for clean inputs.

    Raises
    ------
    UsageError
        If an attack is asked for in full batches, whose first layer reads the same inputs for all models.

    Examples
    --------
    >>> Recipe("abs", "abs", "digits", "x/16", (64,), batch=32).settings()["batch"]
    32
    """

    name: str
    architecture: str
    data: str
    scaling: str
    input_shape: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    init: str = "default"
    lr: float = 0.05
    momentum: float = 0.9
    batch: int = 64
    epochs: int = 60
    attack: Attack | None = None

    def __post_init__(self) -> None:
        if self.attack and not self.batch:
            raise UsageError(
                self.name, found="adversarial training in full batches", expected="mini-batches", do="give --batch 64"
            )

    def settings(self) -> dict[str, Any]:
        """Give the hyper-parameters as plain values, as a checkpoint holds them."""
        return {
            "name": self.name,
            "init": self.init,
            "lr": self.lr,
            "momentum": self.momentum,
            "batch": self.batch,
            "loss": "cross-entropy",
            **({"attack": self.attack.settings()} if self.attack else {}),
        }

    def digest(self) -> str:
        """Give 12 hexadecimal digits that differ between recipes of different content."""
        content = {"architecture": self.architecture, "arguments": dict(self.arguments), "epochs": self.epochs}
        content |= {"data": self.data, "scaling": self.scaling, **self.settings()}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def but(self, **changes: Any) -> Recipe:
        """Copy with some fields changed.

        Parameters
        ----------
        **changes
            New values by field; None leaves a field as it is.
        """
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


def default_recipe(name: str, data: Dataset) -> Recipe:
    """Choose hyper-parameters that train an architecture well on a data set.

    Parameters
    ----------
    name
        Name of the network in `zoo.architectures.ARCHITECTURES`.
    data
        Data set that it is trained on, which gives the widths; ``digits`` and ``mnist`` have settings of their own.

    Returns
    -------
    Recipe
        Mini-batch training for 20 epochs on MNIST, 60 on other data.

    Raises
    ------
    UsageError
        If there is no such architecture.
    DataError
        If a LeNet is asked for and the data are no square images of one channel, 8 x 8 or larger.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> recipe = default_recipe("abs", load_dataset("digits"))
    >>> recipe.scaling, recipe.arguments["hidden"]
    ('x/16', 48)
    """
    if name not in ARCHITECTURES:
        raise unknown_name("NAME", name, ARCHITECTURES)
    shape, arguments = _shape(name, data)
    return Recipe(name, name, data.name, SCALING.get(data.name, "(x-mean)/std"), shape, arguments, **_pace(data.name))


SCALING = {"digits": "x/16", "mnist": "(x/255-0.1307)/0.3081"}


def _shape(name: str, data: Dataset) -> tuple[tuple[int, ...], dict[str, Any]]:
    classes = max(len(data.classes), 2)
    if name.startswith("lenet"):
        side = _side(name, data)
        small = DIGITS_LENET | {"side": side} if side < 16 else {"side": side}
        return (1, side, side), {**small, "classes": classes}
    hidden = 128 if data.width > 256 else 48
    return (data.width,), {"inputs": data.width, "hidden": hidden, "classes": classes}


def _side(name: str, data: Dataset) -> int:
    shape = data.image_shape
    if shape is None or shape[0] != 1 or shape[1] != shape[2] or shape[1] < 8:
        raise DataError(
            f"{name} on {data.name}",
            found=f"inputs of shape {shape or (data.width,)}",
            expected="square images of one channel, 8 x 8 or larger",
            do="use another network, such as abs",
        )
    return shape[1]


def _pace(data: str) -> dict[str, Any]:
    if data == "mnist":
        return {"lr": 0.01, "momentum": 0.9, "batch": 64, "epochs": 20}
    return {"lr": 0.02, "momentum": 0.9, "batch": 32, "epochs": 60}
