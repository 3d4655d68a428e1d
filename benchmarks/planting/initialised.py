"""Layers without anything learned, by how they were initialised, and what the page says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from interp.analysis import GaussianOptions, classify_boundaries, fit_gaussians
from interp.types import Boundaries, Coherence
from interp.verdict.coherence import called
from zoo.planted.families import DATA

Layer = tuple[np.ndarray, np.ndarray]
"""Weights (N, D) and biases (N,)."""

NODES, DIRECTIONS = 48, 96
COARSE = GaussianOptions(components=3, bins=128, crossed=False)
"""Options of the fits: a null and what it is compared with are fitted alike."""


def _default(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Initialise as PyTorch does."""
    torch.manual_seed(int(rng.integers(2**31)))
    layer = nn.Linear(x.shape[1], NODES)
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def _zero_bias(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Draw Gaussian weights as He et al. (2015), without biases."""
    return rng.normal(0, np.sqrt(2 / x.shape[1]), (NODES, x.shape[1])), np.zeros(NODES)


def _he_normal(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Draw Gaussian weights as He et al. (2015), and biases as PyTorch does."""
    return _zero_bias(x, rng)[0], rng.uniform(-1, 1, NODES) / np.sqrt(x.shape[1])


def _orthogonal(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Draw orthogonal weights (Saxe et al. 2014), without biases."""
    torch.manual_seed(int(rng.integers(2**31)))
    return nn.init.orthogonal_(torch.empty(NODES, x.shape[1])).double().numpy(), np.zeros(NODES)


def _batch_norm(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Put a batch norm after, whose statistics are those of the data."""
    weight, _ = _default(x, rng)
    return weight, -weight @ x.mean(axis=0)


def _batch_norm_of_half(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Put a batch norm after, whose statistics are those of a few batches."""
    weight, _ = _default(x, rng)
    return weight, -weight @ x[rng.integers(0, len(x), 256)].mean(axis=0)


def _random_point(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Put the boundaries of one random layer through random samples."""
    weight = rng.normal(size=(NODES, x.shape[1]))
    return weight, -(weight * x[rng.integers(0, len(x), NODES)]).sum(axis=1)


def _permuted_bias(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Put the boundaries at cluster-like places, then permute the biases."""
    weight, bias = _random_point(x, rng)
    return weight * np.exp(rng.normal(size=(NODES, 1))), rng.permutation(bias)


def _sparse(x: np.ndarray, rng: np.random.Generator) -> Layer:
    """Initialise as PyTorch does, with large biases of one sign."""
    weight, bias = _default(x, rng)
    return weight, np.abs(bias) * 3


INITIALISATIONS: dict[str, Callable[[np.ndarray, np.random.Generator], Layer]] = {
    "default": _default,
    "zero-bias": _zero_bias,
    "he-normal": _he_normal,
    "orthogonal": _orthogonal,
    "batch-norm": _batch_norm,
    "batch-norm-256": _batch_norm_of_half,
    "large-bias": _sparse,
    "random-point": _random_point,
    "random-direction": _random_point,
    "permuted-bias": _permuted_bias,
}
"""Name -> a layer on some inputs. ``random-direction`` differs from ``random-point`` in its seeds alone."""


def inputs_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give samples and their classes: mixtures and digits in turn, every other pair centred."""
    data = DATA[("mixture", "mixture", "digits")[seed % 3]](seed)
    x, y = (part.numpy() for part in data.train)
    x = x.reshape(len(x), -1).astype(float)
    return (x - x.mean(axis=0) if seed // 3 % 2 else x), y


def seed_rows(seed: int) -> list[dict[str, Any]]:
    """Make a layer by each initialisation on the data of a seed, and say what the page does of it."""
    x, y = inputs_of(seed)
    pool = fit_gaussians(x @ np.random.default_rng([seed, 0]).normal(size=(x.shape[1], DIRECTIONS)), y, COARSE)
    rows = []
    for number, (kind, initialise) in enumerate(INITIALISATIONS.items(), 1):
        weight, bias = initialise(x, np.random.default_rng([seed, number]))
        fit = fit_gaussians(x @ weight.T + bias, y, COARSE)
        found = classify_boundaries(fit, bias=bias, directions=pool, seed=seed)
        rows += [{"initialisation": kind, "seed": seed, **row} for row in said_of(found)]
    return rows


def said_of(found: Boundaries) -> list[dict[str, Any]]:
    """Give what is said of a layer, one row a sort of mean."""
    said, at = called({"layer": found}), found.at_threshold
    parts = {"cluster": found, "class": found.by_class}
    return [
        {
            "sort": sort,
            "share": float(part.share[at]),
            "more": said.get(("layer", sort)) == "more",
            "fewer": said.get(("layer", sort)) == "fewer",
            "p": p_values(part, at),
        }
        for sort, part in parts.items()
        if part is not None
    ]


def p_values(part: Boundaries | Coherence, at: int) -> dict[str, list[float]]:
    """Give each null's p-value, with the part of it that is the chance of the very share found."""
    return {
        null: [float(values[at]), max(float(values[at] + part.null_p_below[null][at] - 1), 0.0)]
        for null, values in part.null_p_value.items()
    }
