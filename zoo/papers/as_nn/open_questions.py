"""Parts that as-NN leaves "TBD": mean inputs against k-means, k-means classifiers, batch normalisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy import stats

from interp.analysis import match_clusters
from interp.types import ClusterMatch, Dataset
from zoo.papers.as_nn.hidden_layer import HiddenLayer, look_at
from zoo.papers.options import ReproduceOptions
from zoo.papers.report import Page
from zoo.papers.trainings import mini_batch

SIZES = (10, 50, 128, 500)
LOOKED_AT = 3  # networks a condition
BN_RUNS, BN_EPOCHS = 5, 10
EPSILON = 0.25  # sigma; the default threshold of `interp.types.Thresholds`


def add_prototypes(page: Page, paths: Mapping[str, Sequence[Path]], data: Dataset) -> None:
    """Report mean inputs beside centroids, and k-means classifiers beside the networks.

    Parameters
    ----------
    page
        Report that gets two sections.
    paths
        Condition of experiment 2 -> checkpoints of its networks; the first three of each are looked at.
    data
        Data set MNIST.
    """
    layers = {
        (condition, run): look_at(path, data)
        for condition, those in paths.items()
        for run, path in enumerate(those[:LOOKED_AT])
    }
    matches = {key: _matched(layer, len(layer.boundaries.kind)) for key, layer in layers.items()}
    page.section(
        "The mean input of every hidden node against k-means centroids (left open in the paper)",
        f"{LOOKED_AT} networks a condition. k = 128 centroids of 10,000 training images; each node's mean input is "
        "matched to one of its own (Hungarian). `ratio` is the mean distance over that of random data means of the "
        "same effective size: below 1, nodes stand closer to clusters than chance puts them. `sd` is over networks.",
    )
    distances = prototype_distances(matches)
    page.table(distances, 3)
    page.add(prototype_sentence(distances))
    chosen = next(iter(layers))
    page.section(
        "k-means classifiers beside the networks (left open in the paper)",
        "Test accuracy in percent. Each centroid votes for the commonest label of its training images, or a ridge "
        "classifier reads the distances to all centroids; both are fitted to 10,000 training images. The network is "
        f"the first of `{chosen[0]}`.",
    )
    classifiers = classifier_table([_matched(layers[chosen], k) for k in SIZES])
    page.table(classifiers, 4)
    page.add(classifier_sentence(classifiers))


def _matched(layer: HiddenLayer, k: int) -> ClusterMatch:
    means, counts = layer.prototypes.layer_input, layer.prototypes.effective_count
    return match_clusters(layer.train, layer.test, means, counts, k)


def prototype_distances(matches: Mapping[tuple[str, int], ClusterMatch]) -> pd.DataFrame:
    """Tabulate matched distances and their ratio to chance, by condition and sort of prototype.

    Parameters
    ----------
    matches
        Condition and number of the run -> prototypes beside k-means.

    Returns
    -------
    DataFrame
        Mean ``distance`` to the matched centroid, mean ``ratio`` to the null of random data means, and its standard
        deviation ``sd`` over networks.
    """
    rows = [
        {"condition": condition, "kind": kind, "distance": distance, "ratio": distance / chance}
        for (condition, _), match in matches.items()
        for kind, distance, chance in _distances(match)
    ]
    grouped = pd.DataFrame(rows).groupby(["condition", "kind"], sort=False)
    table = grouped.agg(distance=("distance", "mean"), ratio=("ratio", "mean"), sd=("ratio", "std"))
    table.index = pd.Index([f"{condition}, {kind}" for condition, kind in table.index], name="condition, mean")
    return table


def prototype_sentence(table: pd.DataFrame) -> str:
    """Say how the matched distances compare with chance.

    Parameters
    ----------
    table
        Table from `prototype_distances`.
    """
    below, ratio = int((table["ratio"] < 1).sum()), table["ratio"]
    return (
        f"{below} of {len(table)} kinds of mean lie closer to clusters than random means do. The closest is "
        f"{ratio.idxmin()} ({ratio.min():.2f} of the distance by chance), the farthest {ratio.idxmax()} "
        f"({ratio.max():.2f})."
    )


def _distances(match: ClusterMatch) -> Iterable[tuple[str, float, float]]:
    for kind, distance in match.distance.items():
        if np.isfinite(distance).any():
            null = match.null_distance[kind]["random data means"]
            yield kind, float(np.nanmean(distance)), float(np.nanmean(null))


def classifier_table(matches: Sequence[ClusterMatch]) -> pd.DataFrame:
    """Tabulate the classifiers that know only centroids, by number of centroids k, beside the network.

    Parameters
    ----------
    matches
        Prototypes of one layer beside k-means, for several k.

    Returns
    -------
    DataFrame
        Test accuracy in percent: a row for each k, a column for each classifier.
    """
    rows = {}
    for match in matches:
        accuracy = match.accuracy.set_index("classifier")["accuracy"]
        rows[match.k] = {name: 100 * accuracy[name] for name in accuracy.index if "prototype" not in name}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def classifier_sentence(table: pd.DataFrame) -> str:
    """Say how far the best classifier of centroids stays behind the network.

    Parameters
    ----------
    table
        Table from `classifier_table`.
    """
    network, others = table["the network"].iloc[0], table.drop(columns="the network")
    k, name = others.stack().idxmax()
    best = others.loc[k, name]
    return (
        f"The best of them, {name} with k = {k}, reaches {best:.2f} %: {network - best:.2f} points below the network."
    )


def add_batch_norm(page: Page, data: Dataset, options: ReproduceOptions) -> None:
    """Report whether folded batch-norm boundaries pass through component means more often than plain ones.

    Parameters
    ----------
    page
        Report that gets the section.
    data
        Data set MNIST.
    options
        Size of the reproduction, and its folders.
    """
    epochs = options.epochs or BN_EPOCHS
    shares = pd.DataFrame(
        row
        for name in ("abs", "abs-bn", "relu", "relu-bn")
        for row in _coherent_shares(name, options.networks(mini_batch(name, epochs), BN_RUNS, data, "norm"), data)
    )
    page.section(
        "Batch normalisation (left open in the paper)",
        f"784-128-10 with linear outputs, {BN_RUNS} runs of {epochs} epochs in batches of 64; Linear-BN-Abs/ReLU with "
        f"the norm folded into the boundary. `coherent` is the share of live nodes within {EPSILON} sigma of a "
        "component's mean, `chance` that of parallel hyperplanes through random data points.",
    )
    page.table(shares.groupby("network", sort=False)[["coherent", "chance", "excess"]].agg(["mean", "std"]), 3)
    page.add(*[norm_sentence(shares, name) for name in ("abs", "relu")])
    caption = "Share of coherent nodes above chance, every network."
    page.figure("batch-norm", _share_figure(shares), caption)


def _coherent_shares(name: str, paths: Sequence[Path], data: Dataset) -> Iterable[dict[str, object]]:
    for path in paths:
        found = look_at(path, data).boundaries
        at = int(np.argmin(np.abs(found.epsilons - EPSILON)))
        share, chance = float(found.share[at]), float(found.null_share["random point"][at])
        yield {"network": name, "coherent": share, "chance": chance, "excess": share - chance}


def norm_sentence(shares: pd.DataFrame, name: str) -> str:
    """Say what a Welch test finds between the networks with a norm and those without.

    Parameters
    ----------
    shares
        Share of coherent nodes above chance (``excess``) of each ``network``, a row a run.
    name
        Name of the network without the norm.
    """
    plain, normed = (shares.loc[shares["network"] == one, "excess"] for one in (name, f"{name}-bn"))
    if min(len(plain), len(normed)) < 2:
        return f"{name}: too few networks to compare."
    test = stats.ttest_ind(normed, plain, equal_var=False)
    more = "more" if normed.mean() > plain.mean() else "less"
    weight = "" if test.pvalue < 0.05 else ", which chance may explain"
    return (
        f"{name}: with the norm, the share above chance is {abs(normed.mean() - plain.mean()):.3f} {more} "
        f"(Welch t = {test.statistic:.2f}, p = {test.pvalue:.2g}{weight})."
    )


def _share_figure(shares: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(6, 2.6))
    axes = figure.subplots()
    sns.stripplot(shares, x="excess", y="network", hue="network", legend=False, ax=axes)
    axes.axvline(0, color="grey", linestyle="--")
    axes.set_xlabel("share of coherent nodes above chance")
    return figure
