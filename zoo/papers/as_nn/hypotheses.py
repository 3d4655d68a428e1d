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
from interp.network.maps.affine import affine_map
from interp.types import Array, Dataset, LoadedModel
from interp.verdict.reading.networks.copies import fresh_copies
from zoo.finished import add_finished, read_finished
from zoo.papers.as_nn.hypothesis_words import accuracy_sentence, difference_sentence, norm_of_batch_norm, per_condition
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page
from zoo.recipes import default_recipe

NETWORKS = ("abs", "abs-bn", "relu", "relu-bn")
SEEDS = 7
ROWS = 2_000
"""Number of training samples that mixtures are fitted to."""
MOST_NODES = 128
"""Largest number of nodes to which mixtures are fitted."""
ONE_OF_TWO = 4 / np.pi
"""Norm with which one direction of a standard normal plane fits the distance to its middle best."""
NEAR = 0.05
CONDITIONS = ("relu", "relu-sampled", "abs", "abs-sampled")
SCALING = "(x/255-0.1307)/0.3081"


def reproduce(options: ReproduceOptions) -> Path:
    """Train what is missing on digits, measure it and what is published, and write ``reports/as-nn/hypotheses``."""
    file = options.trained / "hypotheses" / "rows.jsonl"
    rows = pd.DataFrame(_measured(_networks(options), file))
    page = Page(options.reports / "as-nn" / "hypotheses", "Hypotheses that as-NN leaves open")
    write(page, rows, options.others)
    return page.write()


def write(page: Page, rows: pd.DataFrame, others: Path | None) -> None:
    """Fill the page.

    Parameters
    ----------
    page
        Page that gets the sections.
    rows
        A row a network and state; may be empty.
    others
        Folder of published checkpoints; None for none.
    """
    page.add(INTRODUCTION.format(rows=ROWS))
    fitted = rows.dropna(subset="coherent") if "coherent" in rows else rows.head(0)
    if len(fitted):
        page.section("More coherent nodes, better accuracy?", ACCURACY, accuracy_sentence(fitted))
        sentences = difference_sentence(fitted, "excess")
        page.section("Are trained nodes closer to clusters than untrained ones?", *sentences)
        norms = [norm_of_batch_norm(fitted, name) for name in ("abs", "relu")]
        page.section("Batch normalisation", *norms)
    else:
        page.section("Coherent nodes", NOT_FITTED)
    page.section("Is the norm of a node's coordinates one?", NORMS)
    if len(rows):
        page.add(*difference_sentence(rows, "norm"))
    if others is not None:
        page.add(*published_nodes(others / "published" / "experiment1" / "abs-data-sampled"))
    if len(rows):
        page.section("Every condition")
        page.table(per_condition(rows), 3)


Wanted = tuple[str, str, Path, Dataset, LoadOptions]


def _networks(options: ReproduceOptions) -> Iterator[Wanted]:
    """Give the networks with their condition, name, data and what is stated of them."""
    digits = load_dataset("digits")
    for name in NETWORKS:
        recipe = default_recipe(name, digits).but(epochs=options.epochs)
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
        Network that is compared with an untrained one.
    data
        Data set that it was trained on.
    seed
        Seed of the fresh initialisation.
    """
    part = _few(data).train
    assert part.labels is not None, "classes"
    x = as_tensor(part.inputs, model.scaling, model.input_shape)
    fresh = next(fresh_copies(model.module, [seed], x))
    for state, module in (("trained", model.module), ("untrained", fresh)):
        z, bias = first_layer(module, model, x)
        row = coherence(z, part.labels, bias) if z.shape[1] <= MOST_NODES else {}
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
    bias = affine[1]
    assert bias is not None, "with biases"
    return run(parts[0], x).numpy().copy(), bias


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
    names = ("initial_params", "final_params", "gaussian_dataset")
    *parts, made = (torch.load(folder / f"{name}.pt", weights_only=True, map_location="cpu") for name in names)
    data = made["X"].numpy()
    before, after = (coordinate_norms(one["weights"].numpy(), data) for one in parts)
    nearer = int((np.abs(after - 1) < np.abs(before - 1)).sum())
    test = stats.wilcoxon(np.abs(after - 1), np.abs(before - 1))
    return (
        f"Experiment 1's {len(after)} published single nodes, which learn a distance in sigma units: the norm is "
        f"{np.median(before):.3f} before and {np.median(after):.3f} after training (medians; central half "
        f"{np.quantile(before, 0.25):.3f} to {np.quantile(before, 0.75):.3f}, and {np.quantile(after, 0.25):.3f} to "
        f"{np.quantile(after, 0.75):.3f}). {nearer} of {len(after)} end closer to one than they began "
        f"(Wilcoxon p = {test.pvalue:.1g}).",
        f"They do not end at one but near 4 / pi = {ONE_OF_TWO:.3f}: a node sees one direction u of two, and the slope "
        "of least squares from |u| to the distance r = sqrt(u^2 + v^2) of standard normal u and v is E[r |u|] / E[u^2] "
        "= E[r^2] E[|cos|] = 2 (2 / pi). "
        f"{float(np.mean(np.abs(after - ONE_OF_TWO) < NEAR)):.0%} of them lie within {NEAR:g} of it, "
        f"{float(np.mean(np.abs(after - 1) < NEAR)):.0%} within {NEAR:g} of one.",
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
    "Perceptrons with one hidden layer, each beside a fresh initialisation of itself, whose batch norm has the "
    "statistics of the data: 64-48-10 on digits, with and without a batch norm, and as-NN's twelve published networks "
    "of experiment 2 on MNIST, as far as they are in the tables. `coherent` is the share of live nodes within 0.25 "
    "sigma of a component's mean, `excess` what of it is above parallel boundaries through random data points, both on "
    "up to {rows:,} training samples. MNIST networks with a batch norm were not trained again, which takes hours of "
    "the CPU at hand."
)
NOT_FITTED = (
    "Not run: the networks on digits, with their batch norms, whose coherent nodes are to be set against accuracy and "
    "against untrained networks. `python -m zoo reproduce hypotheses` trains and measures them."
)
ACCURACY = (
    "Rank correlation, within each condition, of the share of coherent nodes with test accuracy over its networks, and "
    "Fisher's combination of their one-sided p-values (exact, by permutation). Three to seven networks a condition can "
    "show strong relations only."
)
NORMS = (
    "The median over a layer's nodes of the norm of their coordinates along the data's principal components, each in "
    "its own standard deviations: sqrt(w Sigma w^T), the standard deviation of z over the data. A node that gives a "
    "distance in sigma units has norm one. Untrained weights are PyTorch's default; those of He's start, which "
    "as-NN starts from, have 2.45 times that norm (root of 6)."
)
