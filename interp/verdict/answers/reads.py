"""What each layer is read at, in words that need no paper, and what follows from it for the reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from interp.types import LayerVerdict, LoadedModel
from interp.verdict.evidence import Evidence
from interp.verdict.reading.rule import Rule
from interp.verdict.words import layers_named, listed

MOST_DRAWN = 6
"""Largest number of layers whose reading profile is drawn on the first screen."""

FEW = 4
"""Largest number of layers that share a sentence and whose p-values are all named."""

CLAIMED = {
    "distances": "small outputs decide",
    "intensities": "large outputs decide",
    "neither": "no answer either way",
    "undecided": "we could not tell",
}
"""Leaning -> answer in a few words, after the layers' names."""

BOTH_ENDS = (
    " To see what a node does, look at the inputs that make it smallest and at those that make it largest, not at one"
    " end alone."
)
"""What follows where neither end decides."""

MEANT = {
    "distances": "Disturbing a node where its output is small changes decisions more than where it is large, and more"
    " so than in copies with random weights. So a node tells most by being small, as a distance does: near zero means"
    " “close to my pattern”. To see what a node stands for, look at the inputs that make it smallest.",
    "intensities": "Disturbing a node where its output is large changes decisions more than where it is small, and more"
    " so than in copies with random weights. So a node tells most by being large, as a detector does: large means"
    " “my pattern is here”. To see what a node stands for, look at the inputs that make it largest.",
    "neither": "Small and large outputs matter here as they do in copies with random weights, so that training is not"
    " seen to have made nodes into distances or detectors; a leaning half as strong as possible (S = 0.5) would have"
    " been found." + BOTH_ENDS,
    "undecided": "Nothing can be concluded from a node's output being small, or large.",
}
"""Leaning -> what was seen, and what it means for the reader."""

DIFFERENCES = {
    "a difference, but too small to count": "The layer differs from copies with random weights, but small and large"
    " outputs matter nearly alike in it, so that no rule follows for reading its nodes." + BOTH_ENDS,
    "a difference, but neither end decides": "The layer differs from copies with random weights, but the signs"
    " disagree: its own leaning, and its differences from each kind of copies (its own weights shuffled, and new ones),"
    " do not all point to the same end. So no rule follows for reading its nodes." + BOTH_ENDS,
}
"""Answer in a few words of a layer that is called neither although its p-value is small -> what it means."""

RANDOM = (
    "Nothing that was learned, since its weights look random: how its layers work comes from chance, not from data."
)


@dataclass(frozen=True)
class Read:
    """One answer to what a network reads.

    Attributes
    ----------
    answer
        Answer in plain sentences.
    place
        Section of the page that shows more; empty where none does.
    layers
        Names of the layers whose reading profiles stand beside it.
    """

    answer: str
    place: str = "reading"
    layers: tuple[str, ...] = ()


def what_it_reads(found: Evidence) -> Iterator[Read]:
    """Say of the layers which of their outputs decide, those of which the same is known together.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> [read.answer[:24] for read in what_it_reads(Evidence(model, data))]
    ['Nothing that was learned']
    """
    if _is_random(found.model):
        yield Read(RANDOM, "")
        return
    if not found.layers:
        yield Read("There is no hidden layer to read.", "")
    yield from of_layers(found.layers)


def _is_random(model: LoadedModel) -> bool:
    return "trained" in model.inferred and model.inferred["trained"].value is False


def of_layers(layers: Sequence[LayerVerdict]) -> Iterator[Read]:
    """Say what was found of each kind of layers, in network order of the first of each.

    Parameters
    ----------
    layers
        Verdict on each hidden layer.
    """
    drawn = _drawn(layers)
    groups: dict[tuple[str, str, str], list[LayerVerdict]] = {}
    for one in layers:
        groups.setdefault((*_said(one), one.why), []).append(one)
    for (claimed, meaning, _), those in groups.items():
        names = tuple(one.layer for one in those if one.layer in drawn)
        claim = f"{layers_named([one.layer for one in those])}: {claimed}{_p_values(those)}."
        yield Read(f"{claim[:1].upper()}{claim[1:]} {meaning}".strip(), "reading", names)


def _said(one: LayerVerdict) -> tuple[str, str]:
    """Give the answer in a few words, and what it means."""
    if not one.statistics:
        return f"not tested, since {one.why.removeprefix('it was not read: ')}", ""
    if one.leaning == "neither" and one.p_holm <= Rule().alpha:
        small, mixed = DIFFERENCES
        claimed = small if abs(one.statistics["balance"].value) < Rule().least else mixed
        return claimed, DIFFERENCES[claimed]
    return CLAIMED[one.leaning] + (f", since {one.why}" if one.why else ""), MEANT[one.leaning]


def _p_values(those: Sequence[LayerVerdict]) -> str:
    """Give the p-value of the layers, or of many the smallest and the largest, with what it is beside."""
    known = [one.p_holm for one in those if np.isfinite(one.p_holm)]
    if not known:
        return ""
    said = [f"{value:.2g}" for value in known]
    several = listed(said) if len(said) <= FEW else f"{min(known):.2g} to {max(known):.2g}"
    if len(set(said)) == 1:
        several = said[0] + (" each" if len(said) > 1 else "")
    return f" (p = {several}, beside the copies)"


def _drawn(layers: Sequence[LayerVerdict]) -> set[str]:
    """Choose layers that were read, evenly over depth."""
    read = [one.layer for one in layers if one.statistics]
    count = min(len(read), MOST_DRAWN)
    return {read[i] for i in np.linspace(0, len(read) - 1, count).round().astype(int)}
