"""Hypotheses that as-NN leaves open, each beside untrained networks of the same make.

``python -m zoo reproduce hypotheses``: do networks with more coherent nodes do better; does training bring the norm of
a node's principal coordinates to one; does batch normalisation bring boundaries to clusters?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor, nn

from interp.analysis import classify_boundaries, fit_gaussians
from interp.checkpoints import LoadOptions, load_model
from interp.data import load_dataset
from interp.network.chain import run, split_at
from interp.network.inputs import as_tensor
from interp.network.linear_maps import affine_map
from interp.types import Array, Dataset, LoadedModel
from interp.verdict.reading.networks.copies import fresh_copies
from zoo.finished import add_finished, read_finished
from zoo.papers.as_nn.hypothesis_words import accuracy_sentence, difference_sentence, norm_of_batch_norm, per_condition
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page
from zoo.recipes import default_recipe

NETWORKS = ("abs", "abs-bn", "relu", "relu-bn")
SEEDS = 5
ROWS = 2_000
"""Number of training samples that mixtures are fitted to."""
CONDITIONS = ("relu", "relu-sampled", "abs", "abs-sampled")
SCALING = "(x/255-0.1307)/0.3081"


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing on digits, measure it and what is published, and write ``reports/as-nn/hypotheses``."""
    file = options.trained / "hypotheses" / "rows.jsonl"
    rows = pd.DataFrame(_measured(_networks(options), file))
    page = Page(options.reports / "as-nn" / "hypotheses", "Hypotheses that as-NN leaves open")
    page.add(INTRODUCTION.format(rows=ROWS))
    table = per_condition(rows)
    page.section("More coherent nodes, better accuracy?", ACCURACY, accuracy_sentence(rows))
    page.section("Are trained nodes closer to clusters than untrained ones?", *difference_sentence(rows, "excess"))
    page.section("Is the norm of a node's coordinates one?", NORMS, *difference_sentence(rows, "norm"))
    if options.others is not None:
        page.add(*published_nodes(options.others / "published" / "experiment1" / "abs-data-sampled"))
    page.section("Batch normalisation", *(norm_of_batch_norm(rows, name) for name in ("abs", "relu")))
    page.section("Every condition")
    page.table(table, 3)
    return page.write()


Wanted = tuple[str, str, Path, Dataset, LoadOptions]


def _networks(options: ReproduceOptions) -> Iterator[Wanted]:
    """Give the networks with their condition, name, data and what is stated of them."""
    digits = load_dataset("digits")
    for name in NETWORKS:
        recipe = default_recipe(name, digits)
        paths = options.networks(recipe, options.runs or SEEDS, digits, "hypotheses")
        yield from ((f"digits {name}", path.stem, path, digits, LoadOptions()) for path in paths)
    if options.others is None:
        return
    mnist = options.mnist()
    for condition in CONDITIONS:
        stated = LoadOptions(
            scaling=SCALING, activation=condition.removesuffix("-sampled"), output="negated-activation"
        )
        for path in sorted((options.others / "published" / "experiment2" / condition).glob("*.pt")):
            yield f"published {condition}", f"{condition}-{path.stem}", path, mnist, stated


def _measured(wanted: Iterator[Wanted], file: Path) -> Iterator[dict[str, Any]]:
    known = {one["network"]: one["rows"] for one in read_finished(file)}
    for condition, name, path, data, stated in wanted:
        if name not in known:
            model, _ = load_model(path, _few(data), stated)
            known[name] = list(states(model, data, seed=len(known)))
            add_finished(file, {"network": name, "rows": known[name]})
        yield from ({"condition": condition, "network": name} | row for row in known[name])


def _few(data: Dataset) -> Dataset:
    """Keep as many training samples as mixtures are fitted to, and all test samples."""
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(len(data.train))[:ROWS])
    return Dataset(**{**vars(data), "splits": {**data.splits, "train": data.train.take(rows)}})


def states(model: LoadedModel, data: Dataset, seed: int) -> Iterator[dict[str, Any]]:
    """Measure the first layer of a network, and of a fresh initialisation of it.

    Parameters
    ----------
    model
        Network.
    data
        Data set that it was trained on.
    seed
        Seed of the fresh initialisation.
    """
    part = _few(data).train
    x = as_tensor(part.inputs, model.scaling, model.input_shape)
    fresh = next(fresh_copies(model.module, [seed], x))
    for state, module in (("trained", model.module), ("untrained", fresh)):
        z, bias = first_layer(module, model, x)
        row = coherence(z, part.labels, bias)
        yield {"state": state, "accuracy": model.scores["test"], "norm": float(np.median(z.std(0)))} | row


@torch.no_grad()
def first_layer(module: nn.Module, model: LoadedModel, x: Tensor) -> tuple[Array, Array]:
    """Give the first layer's pre-activations (S, N) and biases (N,), a norm that follows folded in.

    The standard deviation of z over the data is the norm of the node's principal coordinates,
    sum of alpha_i^2 = w Sigma w^T (arXiv 2410.19352, eq. 12).
    """
    layer = model.layers[0]
    parts = split_at(module, layer.tap)
    affine = affine_map(module, layer, x[:2])
    assert parts is not None, "a chain"
    assert affine is not None, "a linear layer"
    return run(parts[0], x).numpy().copy(), affine[1]


def coherence(z: Array, labels: Array, bias: Array) -> dict[str, float]:
    """Give the share of coherent nodes, how far it lies above random boundaries, and its largest p-value."""
    found = classify_boundaries(fit_gaussians(z, labels), bias=bias)
    at = found.at_threshold
    share = float(found.share[at])
    excess = share - float(found.null_share["random point"][at])
    return {"coherent": share, "excess": excess, "p": float(found.share_p_value[at])}


def published_nodes(folder: Path) -> Sequence[str]:
    """Compare the norm of the 300 published single nodes with that before their training."""
    if not (folder / "final_params.pt").is_file():
        return ()
    parts = (torch.load(folder / f"{name}.pt", weights_only=True) for name in ("initial_params", "final_params"))
    data = torch.load(folder / "gaussian_dataset.pt", weights_only=True)["X"].numpy()
    before, after = (coordinate_norms(one["weights"].numpy(), data) for one in parts)
    nearer = int((np.abs(after - 1) < np.abs(before - 1)).sum())
    test = stats.wilcoxon(np.abs(after - 1), np.abs(before - 1))
    return (
        f"Experiment 1's {len(after)} published single nodes, which learn a distance in sigma units: the norm is "
        f"{np.median(before):.3f} before and {np.median(after):.3f} after training (medians; central half "
        f"{np.quantile(before, 0.25):.3f} to {np.quantile(before, 0.75):.3f}, and {np.quantile(after, 0.25):.3f} to "
        f"{np.quantile(after, 0.75):.3f}). {nearer} of {len(after)} end closer to one than they began "
        f"(Wilcoxon p = {test.pvalue:.1g}).",
    )


def coordinate_norms(weights: Array, data: Array) -> Array:
    """Give the norm of each node's principal coordinates, the root of w Sigma w^T.

    Parameters
    ----------
    weights
        Weights of the nodes, (N, D).
    data
        Samples, (S, D).

    Examples
    --------
    >>> data = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    >>> coordinate_norms(np.array([[1.0, 1.0]]), data).round(3)
    array([1.581])
    """
    covariance = np.cov(data.T, bias=True)
    return np.asarray(np.sqrt(np.einsum("nd,de,ne->n", weights, covariance, weights)))


INTRODUCTION = (
    "Perceptrons with one hidden layer: 64-48-10 on digits, with and without a batch norm, trained here; and as-NN's "
    "twelve published networks of experiment 2 on MNIST, where their folder was given. Each is measured beside a fresh "
    "initialisation of itself, whose batch norm has the statistics of the data. `coherent` is the share of live nodes "
    "within 0.25 sigma of a component's mean, `excess` what of it is above parallel boundaries through random data "
    "points, both on {rows:,} training samples. MNIST networks with a batch norm were not trained again: twenty take "
    "hours of the CPU at hand."
)
ACCURACY = (
    "Rank correlation, within each condition, of the share of coherent nodes with test accuracy over its networks, and "
    "Fisher's combination of their one-sided p-values (exact, by permutation). Three to five networks a condition can "
    "show strong relations only."
)
NORMS = (
    "The median over a layer's nodes of the norm of their coordinates along the data's principal components, each in "
    "its own standard deviations: sqrt(w Sigma w^T), the standard deviation of z over the data. A node that gives a "
    "distance in sigma units has norm one."
)
