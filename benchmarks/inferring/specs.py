"""What a network of the inference benchmark is, drawn from its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

ACTIVATIONS = (
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "tanh",
    "sigmoid",
    "abs",
    "hardswish",
)
SECOND = (*ACTIVATIONS, "identity", "identity", "identity")
"""Activations of the other layers where there are two kinds; none at all is the commonest mistake."""

IMAGES = ("mnist", "cifar10", "digits")
TABLES = ("breast cancer", "mixture")
CONVOLUTIONAL = {"mnist": 0.3, "cifar10": 0.2, "digits": 0.7}
"""Data -> share of networks that have convolutions; large images take the longest."""

PICTURES = ("raw", "unit", "centred", "overall", "per-channel")
SCALINGS = {"mixture": ("raw", "columns"), "breast cancer": ("columns",)}
"""Data -> scalings that take turns; of images `PICTURES`, the constants of one grey channel are the overall ones."""


ROWS, FEW_ROWS = 6000, 3000
"""Largest numbers of training rows, of networks trained for many epochs and for few."""

TRAININGS = ("to-rest", "long", "short", "regularised")
"""Ways of training: until little changes, with a rate that falls to nothing; as most people do; for a few epochs; and
as most people do who keep a network from learning by heart, by dropout, smoothed labels or shifted images."""


@dataclass(frozen=True)
class Spec:
    """One network: how it is built and trained.

    Attributes
    ----------
    seed
        Seed of everything about it.
    data
        Name of one of five data sets.
    scaling
        Name of a scaling of `SCALINGS` or `PICTURES`.
    convolutions
        Widths of the convolutions; empty for a perceptron.
    dense
        Widths of the hidden dense layers.
    activations
        Activation behind each hidden layer, convolutions first.
    pooling
        Pooling behind each convolution, ``max`` or ``avg``.
    padding
        Padding of the convolutions, in pixels.
    normed
        Whether a batch norm stands before each activation.
    optimiser
        Name of the optimiser: ``adam``, ``adamw``, ``sgd`` or ``rmsprop``.
    steps
        Number of training steps.
    fall
        How the learning rate falls: ``none``, ``linear`` to nothing in the last half of the steps, or ``cosine``.
    rows
        Largest number of training rows.
    weight_decay
        Factor of the weights that is added to their gradient, or for ``adamw`` taken off them, at each step.
    dropout
        Share of values that are left out in training, behind what convolutions give and behind hidden dense layers.
    smoothing
        Share of each label that is spread over all classes.
    shift
        Largest number of pixels by which images are shifted in training, each way.
    """

    seed: int
    data: str
    scaling: str
    convolutions: tuple[int, ...]
    dense: tuple[int, ...]
    activations: tuple[str, ...]
    pooling: str
    padding: int
    normed: bool
    optimiser: str
    steps: int
    fall: str
    rows: int
    weight_decay: float
    dropout: float = 0.0
    smoothing: float = 0.0
    shift: int = 0

    @property
    def kind(self) -> str:
        """Word for its architecture."""
        return "CNN" if self.convolutions else "MLP"


def drawn(seed: int, training: str = "long") -> Spec:
    """Draw a network; activations, data and scalings take turns, all else is at random.

    Parameters
    ----------
    seed
        Seed of the draw.
    training
        How it is trained, one of `TRAININGS`.
    """
    rng = np.random.default_rng(seed)
    data = (*IMAGES, *TABLES)[seed % 5]
    scalings = SCALINGS.get(data, PICTURES)
    convolutions = tuple(rng.choice([6, 8], 2).tolist()) if rng.random() < CONVOLUTIONAL.get(data, 0) else ()
    depth = int(rng.integers(0, 2)) if convolutions else int(rng.integers(1, 4))
    dense = tuple(rng.choice([16, 24, 32, 48], depth).tolist())
    spec = Spec(
        seed=seed,
        data=data,
        scaling=scalings[(seed // 5) % len(scalings)],
        convolutions=convolutions,
        dense=dense,
        activations=_activations(rng, len(convolutions), depth, ACTIVATIONS[seed % len(ACTIVATIONS)]),
        pooling=str(rng.choice(["max", "avg"])),
        padding=max(int(rng.integers(0, 2)), int(data == "digits")),
        normed=bool(rng.random() < 0.15),
        optimiser=str(rng.choice(["adam", "adamw", "sgd", "rmsprop"])),
        steps=int(rng.integers(300, 500) if convolutions else rng.integers(700, 1500)),
        fall="linear" if rng.random() < 3 / 4 else "none",
        rows=FEW_ROWS,
        weight_decay=0.0,
    )
    if training == "short":
        return replace(spec, weight_decay=0.05 if spec.optimiser == "adamw" else 0.0)
    if training == "to-rest":
        decay = rng.choice([0.01, 0.05, 0.1] if spec.optimiser == "adamw" else [0.0, 1e-4, 5e-4, 1e-3])
        steps = rng.integers(5000, 8000) if convolutions else rng.integers(9000, 12000)
        return replace(spec, rows=ROWS, weight_decay=float(decay), steps=int(steps), fall="cosine")
    decay = rng.choice([0.01, 0.05] if spec.optimiser == "adamw" else [0.0, 0.0, 1e-4, 5e-4])
    steps = rng.integers(1000, 1500) if convolutions else rng.integers(2000, 4000)
    spec = replace(spec, rows=ROWS, weight_decay=float(decay), steps=int(steps))
    return _regularised(spec, rng) if training == "regularised" else spec


def _regularised(spec: Spec, rng: np.random.Generator) -> Spec:
    """Draw dropout for two networks in three, smoothed labels for one in four, shifts for two in five of images."""
    return replace(
        spec,
        dropout=float(rng.choice([0.1, 0.25, 0.5])) if rng.random() < 2 / 3 else 0.0,
        smoothing=0.1 if rng.random() < 1 / 4 else 0.0,
        shift=(1 if spec.data == "digits" else 2) if spec.data in IMAGES and rng.random() < 2 / 5 else 0,
    )


def _activations(rng: np.random.Generator, convolutions: int, depth: int, first: str) -> tuple[str, ...]:
    """Give one activation to all layers, or in a third of the networks another to dense or to later ones."""
    count = convolutions + depth
    if count < 2 or rng.random() > 1 / 3:
        return (first,) * count
    second = str(rng.choice([name for name in SECOND if name != first]))
    change = convolutions if 0 < convolutions < count else int(rng.integers(1, count))
    return (first,) * change + (second,) * (count - change)
