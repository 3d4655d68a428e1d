"""Counts of the samples that edits turn right or wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from interp.interventions.edits import Edit
from interp.interventions.engine.answers import ByClass
from interp.interventions.engine.blocks import Block
from interp.interventions.engine.executor import check_numbers, run_edits
from interp.interventions.engine.outcomes import Outcomes
from interp.interventions.engine.sites import JointEdit, find_site
from interp.interventions.engine.sums import CLASSES, GAINED, RIGHT, Sums, sum_outcomes
from interp.types import Array, LoadedModel, NodeLayer, Split


@dataclass(frozen=True)
class Tally:
    """Counts over one split, for each of E edits and for the unperturbed network.

    Attributes
    ----------
    samples
        Number of samples.
    baseline
        Number of samples that the unperturbed network gets right.
    hits
        Number of samples that are right under each edit, (E,).
    gained, lost
        Number of samples that are right only with the edit, and only without it, (E,).
    loss
        Mean cross-entropy under each edit in nats, (E,); NaN without labels.
    baseline_loss
        Mean cross-entropy of the unperturbed network in nats; NaN without labels.
    class_samples
        Number of samples of each class, or of each unperturbed prediction without labels, (C,); empty if not asked for.
    class_hits
        Number of these that are right under each edit, (E, C).
    """

    samples: int
    baseline: int
    hits: Array
    gained: Array
    lost: Array
    loss: Array
    baseline_loss: float
    class_samples: Array
    class_hits: Array


def tally(
    model: LoadedModel,
    layer: NodeLayer,
    edits: Sequence[Edit],
    split: Split,
    note: str = "",
    classes: int = 0,
    losses: bool = True,
) -> Tally:
    """Count the samples that are right under every edit of one layer.

    Without labels the unperturbed predictions take their place, and losses are NaN.

    Parameters
    ----------
    model
        Network whose outputs are classes.
    layer
        Layer that is edited.
    edits
        Edits, each made alone.
    split
        Samples to count, with or without labels.
    note
        Description of the progress bar; by default the layer's name.
    classes
        Number of classes to count apart, labels 0 to classes - 1; 0 counts all together.
    losses
        Whether losses are wanted beside counts; NaN if not.

    Returns
    -------
    tally
        Counts under each edit and of the unperturbed network.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> from interp.interventions import ablate
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> found = tally(model, model.layers[0], [ablate(node, 0.0) for node in range(3)], data.splits["test"])
    >>> found.samples, found.hits.shape, bool((found.hits == found.baseline + found.gained - found.lost).all())
    (360, (3,), True)
    """
    return _counts(model, {layer.name: layer}, of_layer(layer, edits), split, note, classes, losses)


def tally_together(model: LoadedModel, edits: Sequence[JointEdit], split: Split, note: str = "") -> Tally:
    """Count the samples that are right under every combination of edits of several layers.

    Parameters
    ----------
    model
        Network whose outputs are classes.
    edits
        Layer name -> edit of that layer, for each combination; layers in any order.
    split
        Samples to count; without labels the unperturbed predictions take their place, and losses are NaN.
    note
        Description of the progress bar; by default the layers' names.

    Returns
    -------
    tally
        Counts under each combination and of the unperturbed network.

    Raises
    ------
    UsageError
        If a layer does not exist.
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> from interp.interventions import ablate
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> both = {"hidden": ablate(3, 0.0), "output": ablate(0, 0.0)}
    >>> found = tally_together(model, [both, {}], data.splits["test"])
    >>> int(found.hits[1]) == found.baseline  # an edit of no layer changes nothing
    True
    """
    return _counts(model, named_layers(model, edits), edits, split, note)


def right_samples(model: LoadedModel, layer: NodeLayer, edits: Sequence[Edit], split: Split, note: str = "") -> Array:
    """Tell which samples are right under every edit of one layer.

    Parameters
    ----------
    model
        Network whose outputs are classes.
    layer
        Layer that is edited.
    edits
        Edits, each made alone.
    split
        Samples to score; without labels the unperturbed predictions take their place.
    note
        Description of the progress bar; by default the layer's name.

    Returns
    -------
    right
        Whether each sample is right under each edit, (E, S) booleans.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """
    site = find_site(model, {layer.name: layer})

    def keep(block: Block, outcomes: Iterable[Outcomes]) -> tuple[Array, int]:
        right = np.zeros((len(edits), block.scores.shape[1]), bool)
        for some, scores, _ in outcomes:
            right[some] = scores.cpu().numpy()
        return right, block.unknown

    scoring = ByClass(split.labels, model.output, losses=False)
    parts = list(run_edits(model, site, of_layer(layer, edits), split.inputs, scoring, keep, note))
    check_numbers(layer.name, sum(unknown for _, unknown in parts), len(split))
    return np.concatenate([right for right, _ in parts], axis=1)


def of_layer(layer: NodeLayer, edits: Sequence[Edit]) -> list[JointEdit]:
    """Name the layer that each of some edits changes."""
    return [{layer.name: edit} for edit in edits]


def named_layers(model: LoadedModel, edits: Sequence[JointEdit]) -> Mapping[str, NodeLayer]:
    """Find the layers that edits name.

    Raises
    ------
    UsageError
        If a layer does not exist.
    """
    return {name: model.layer(name) for name in dict.fromkeys(name for one in edits for name in one)}


def _counts(
    model: LoadedModel,
    layers: Mapping[str, NodeLayer],
    edits: Sequence[JointEdit],
    split: Split,
    note: str,
    classes: int = 0,
    losses: bool = True,
) -> Tally:
    scoring = ByClass(split.labels, model.output, losses)
    return tally_of(sum_outcomes(model, find_site(model, layers), edits, split.inputs, scoring, note, classes))


def tally_of(sums: Sums) -> Tally:
    """Read counts off sums over samples that are right or wrong."""
    assert sums.counted
    counts, baseline = sums.by_edit.astype(np.int64), int(sums.unperturbed)
    hits, gained = counts[RIGHT], counts[GAINED]
    return Tally(
        sums.samples,
        baseline,
        hits,
        gained,
        gained + baseline - hits,
        sums.loss / sums.samples,
        sums.unperturbed_loss / sums.samples,
        sums.class_samples,
        counts[CLASSES:].T,
    )
