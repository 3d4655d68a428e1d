"""Layers without anything learned, by how they were initialised, and what the page says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from interp.analysis import GaussianOptions, classify_boundaries, fit_gaussians
from interp.types import Boundaries, Coherence, GaussianFit
from interp.verdict.coherence import called
from zoo.planted.families import DATA

Start = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""Inputs (S, D), weights (N, D) and a generator -> biases (N,)."""

NODES, DIRECTIONS = 48, 96
COARSE = GaussianOptions(components=3, bins=128, crossed=False)
"""Options of the fits: a null and what it is compared with are fitted alike."""


def _as_pytorch(width: int, seed: int) -> np.ndarray:
    """Draw weights as PyTorch does, uniform."""
    torch.manual_seed(seed)
    return nn.Linear(width, NODES).weight.detach().double().numpy()


def _as_he(width: int, seed: int) -> np.ndarray:
    """Draw Gaussian weights as He et al. (2015)."""
    return np.random.default_rng(seed).normal(0, np.sqrt(2 / width), (NODES, width))


def _orthogonal(width: int, seed: int) -> np.ndarray:
    """Draw orthogonal weights (Saxe et al. 2014)."""
    torch.manual_seed(seed)
    return nn.init.orthogonal_(torch.empty(NODES, width)).double().numpy()


def _uniform(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw biases as PyTorch does."""
    return rng.uniform(-1, 1, NODES) / np.sqrt(x.shape[1])


def _zero(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Leave biases out."""
    return np.zeros(NODES)


def _batch_norm(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put a batch norm after, whose statistics are those of the data."""
    return np.asarray(-weight @ x.mean(axis=0))


def _batch_norm_of_half(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put a batch norm after, whose statistics are those of a few batches."""
    return np.asarray(-weight @ x[rng.integers(0, len(x), 256)].mean(axis=0))


def _large(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw large biases of one sign."""
    return np.abs(_uniform(x, weight, rng)) * 3


def _random_point(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put every boundary through a random sample."""
    return np.asarray(-(weight * x[rng.integers(0, len(x), NODES)]).sum(axis=1))


def _permuted(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put the boundaries at cluster-like places, then permute the biases."""
    return rng.permutation(_random_point(x, weight, rng))


WEIGHTS = {"uniform": _as_pytorch, "normal": _as_he, "orthogonal": _orthogonal}

INITIALISATIONS: dict[str, tuple[str, Start]] = {
    "default": ("uniform", _uniform),
    "batch-norm": ("uniform", _batch_norm),
    "batch-norm-256": ("uniform", _batch_norm_of_half),
    "large-bias": ("uniform", _large),
    "he-normal": ("normal", _uniform),
    "zero-bias": ("normal", _zero),
    "random-point": ("normal", _random_point),
    "random-direction": ("normal", _random_point),
    "permuted-bias": ("normal", _permuted),
    "orthogonal": ("orthogonal", _zero),
}
"""Name -> weights, which several layers of a seed share so that these are fitted once, and biases of its own.
``random-direction`` differs from ``random-point`` in its seeds alone."""


def inputs_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give samples and their classes: mixtures and digits in turn, every other pair centred."""
    data = DATA[("mixture", "mixture", "digits")[seed % 3]](seed)
    x, y = (part.numpy() for part in data.train)
    x = x.reshape(len(x), -1).astype(float)
    return (x - x.mean(axis=0) if seed // 3 % 2 else x), y


def seed_rows(seed: int) -> list[dict[str, Any]]:
    """Make a layer by each initialisation on the data of a seed, and say what the page does of it."""
    x, y = inputs_of(seed)
    width = x.shape[1]
    pool = fit_gaussians(x @ np.random.default_rng([seed, 0]).normal(size=(width, DIRECTIONS)), y, COARSE)
    weights = {name: make(width, number + 10 * seed) for number, (name, make) in enumerate(WEIGHTS.items())}
    fits = {name: fit_gaussians(x @ weight.T, y, COARSE) for name, weight in weights.items()}
    rows = []
    for number, (kind, (name, start)) in enumerate(INITIALISATIONS.items(), 1):
        bias = start(x, weights[name], np.random.default_rng([seed, number]))
        found = classify_boundaries(moved(fits[name], bias), bias=bias, directions=pool, seed=seed)
        rows += [{"initialisation": kind, "seed": seed, **row} for row in said_of(found)]
    return rows


def moved(fit: GaussianFit, bias: np.ndarray) -> GaussianFit:
    """Give the fit of nodes with other biases: fits are made in standard units, so that a bias only moves them.

    The share of positive values stays that of no bias: no share of coherent nodes hangs on it.
    """
    places = {name: getattr(fit, name) + bias for name in ("mean", "minimum", "maximum", "class_mean")}
    return replace(fit, component_mean=fit.component_mean + bias[:, None], **places)


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
