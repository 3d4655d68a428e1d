"""How many boundaries pass through cluster means, and whether chance explains it.

A layer has *more than chance* only where its share is beyond the 97.5 % point of every null, for the components of the
mixtures or for the means of classes, and the largest p-value over the nulls stays below 2.5 % after Benjamini and
Hochberg over these and over the layers. Without anything to find, that bounds the chance of a word about any layer of a
network by 2.5 %. *Fewer than chance* is the same at the other end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from interp.analysis import benjamini_hochberg
from interp.types import UNSAMPLED, Array, Boundaries, Coherence

SIGNIFICANT = 0.01
"""Largest p-value that is called significant where nothing is said."""

BEYOND = 0.025
"""Largest p-value, after correction, of a share that is called more, or fewer, than chance."""

NULLS = {
    "random point": "parallel boundaries through random data points",
    "permuted bias": "the same boundaries with their biases permuted",
    "data mean": "parallel boundaries through the data mean",
    "random direction": "boundaries of random direction through random data points",
    "fresh initialisation": "a fresh initialisation",
    "fresh without bias": "a fresh initialisation without biases",
    "fresh batch norm": "a fresh initialisation with a batch norm",
}
"""Name of a null -> what it stands for, in words."""


class Worst(NamedTuple):
    """The null that explains a share best.

    Attributes
    ----------
    name
        Name of the null.
    share
        Share that it gives.
    p_value
        Probability that it gives a share as high, or as low, as the one found.
    """

    name: str
    share: float
    p_value: float

    @property
    def words(self) -> str:
        """What the null stands for."""
        return NULLS.get(self.name, self.name)


class Compared(NamedTuple):
    """A share of boundaries at cluster means beside the nulls that explain it best.

    Attributes
    ----------
    share, low, high
        Share of live nodes, with the ends of its 95 % interval.
    above
        Null with the largest probability of at least this share.
    below
        Null with the largest probability of at most this share.
    """

    share: float
    low: float
    high: float
    above: Worst
    below: Worst


def beside_nulls(found: Boundaries) -> dict[str, Compared]:
    """Set a layer's shares beside their nulls.

    Returns
    -------
    dict of Compared
        Sort of mean, ``cluster`` (the mixtures' components) or ``class``, as far as there are nulls with p-values ->
        share of the boundaries that pass through one.
    """
    sorts: dict[str, Boundaries | Coherence | None] = {"cluster": found, "class": found.by_class}
    known = {name: part for name, part in sorts.items() if part is not None and part.null_p_value}
    return {name: _compared(part, found.at_threshold) for name, part in known.items()}


def _compared(part: Boundaries | Coherence, at: int) -> Compared:
    share, low, high = (float(values[at]) for values in (part.share, part.share_low, part.share_high))
    return Compared(share, low, high, _worst(part, part.null_p_value, at), _worst(part, part.null_p_below, at))


def _worst(part: Boundaries | Coherence, p_values: Mapping[str, Array], at: int) -> Worst:
    name = max(p_values, key=lambda null: float(p_values[null][at]))
    return Worst(name, float(part.null_share[name][at]), float(p_values[name][at]))


def called(layers: Mapping[str, Boundaries]) -> dict[tuple[str, str], str]:
    """Say which shares no null explains.

    Parameters
    ----------
    layers
        Name of a layer -> its boundaries; the layers that are corrected for together.

    Returns
    -------
    dict of str
        Layer and sort of mean -> ``more`` or ``fewer``; other shares are not in it.
    """
    shares = {(name, sort): part for name, found in layers.items() for sort, part in beside_nulls(found).items()}
    said: dict[tuple[str, str], str] = {}
    for word, side in (("fewer", "below"), ("more", "above")):
        q_values = benjamini_hochberg(np.array([getattr(part, side).p_value for part in shares.values()], float))
        said |= {key: word for key, q in zip(shares, q_values, strict=True) if q <= BEYOND}
    return said


def coherences(layers: Mapping[str, Boundaries]) -> list[str]:
    """Say how many of each layer's boundaries pass through cluster means, beside what chance gives."""
    said = called(layers)
    return [_sentence(name, found, said) for name, found in layers.items()]


def _sentence(name: str, found: Boundaries, said: Mapping[tuple[str, str], str]) -> str:
    shares = beside_nulls(found)
    if not shares:
        return f"{name}: no live node to judge."
    unit = "sigma" if found.thresholds.rule == "mixture" else "output units"
    drawn = " that were drawn" if found.counts.get(UNSAMPLED) else ""
    of = f"of {found.classified} live nodes{drawn}"
    places = {
        "cluster": f"{of} have their boundary within {found.thresholds.epsilon:g} {unit} of a cluster mean",
        "class": "have it as close to a class's mean",
    }
    parts = [
        f"{_amount(part, found.classified)} {places[sort]}{_beside(part, said.get((name, sort)))}"
        for sort, part in shares.items()
    ]
    return f"{name}: {'; '.join(parts)}."


def _amount(found: Compared, nodes: int) -> str:
    """Give a share, or of so few nodes that it has no interval their number."""
    return f"{found.share:.0%}" if np.isfinite(found.low) else f"{found.share * nodes:.0f}"


def _beside(found: Compared, word: str | None) -> str:
    """Name the null that explains a share best, and say whether it does."""
    worst = found.below if word == "fewer" else found.above
    verdict = "no more than chance" if word is None else f"{word} than chance by every null"
    sure = f" ({found.low:.0%} to {found.high:.0%})" if np.isfinite(found.low) else ""
    return f"{sure}, {worst.words} would in {worst.share:.0%} (p = {worst.p_value:.2g}): {verdict}"


def summed_up(layers: Mapping[str, Boundaries]) -> list[str]:
    """Sum up the coherence of many layers; each has its line in the page's table of layers."""
    said = called(layers)
    better = [name for name in layers if "more" in (said.get((name, "cluster")), said.get((name, "class")))]
    shares = [part["cluster"].share for found in layers.values() if (part := beside_nulls(found))]
    if not shares:
        return ["No layer has a live node to judge."]
    named = f" ({', '.join(better)})" if better else ""
    return [
        f"{len(better)} of {len(layers)} hidden layers{named} have more coherent nodes than chance gives, at"
        f" q < {BEYOND:g} beside every null; shares of coherent nodes go from {min(shares):.0%} to {max(shares):.0%},"
        f" with a median of {np.median(shares):.0%}."
    ]
