"""What two networks or more have in common and what not, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from interp.types import Array, as_json
from interp.types.shown import ShortRepr

SCHEMA = 1
"""Version of ``compare.json``."""


@dataclass(frozen=True, repr=False)
class Comparison(ShortRepr):
    """What two networks or more have in common and what not.

    Attributes
    ----------
    data
        Name of the data set, the split that is compared on, its number of samples, and its digest.
    networks
        Networks, a row each: ``network``, its ``group`` (the folder that it came from), ``path``, ``digest``, ``task``,
        number of ``nodes``, and its ``score`` with the 95 % interval ``low``, ``high``.
    pairs
        Scores beside each other, a row a pair: the ``difference`` of ``second`` less ``first`` with its 95 % interval,
        the ``test`` and its ``p_value``, with Benjamini and Hochberg's ``q_value`` over the pairs; samples that only
        the first or only the second gets right; and the ``agreement``: share of samples with the same prediction, or
        correlation of the outputs of a regression.
    groups
        Table 5's metrics, a row a group: number of samples wrong in at least one network (``unique``), in all
        (``consistent``), in half or more (``voting``), and by the smallest norm of outputs that are distances (``l2``).
    classes
        Scores by class, a row a class and pair: accuracies, samples that only one gets right, ``p_value`` (exact
        McNemar) and ``q_value`` over the classes of the pair.
    disputed
        Samples that most networks disagree on, a row each: ``sample`` in the split, ``label``, how many networks are
        ``wrong``, number of different ``predicted`` classes, each network's prediction, and, where they are no images,
        the ``inputs`` as stored: name of a column -> its value, of the ten columns in which the samples lie furthest
        from the mean, in standard deviations (mean and deviation of up to 1,000 samples of the split, drawn at random),
        or of inputs with tokens name of a part -> its first values; and number of values of a sample that are not
        among them (``inputs_left_out``).
    alignment
        Debiased linear CKA, a row a pair of networks and of layers.
    layers
        Matched nodes, a row a pair of networks and layer: mean correlation of the matched nodes (``correlation``)
        beside that with permuted samples (``null_mean``, ``null_high``, its 97.5 % point); share of the pairs with one
        ``kind``, and mean cosine of their ``prototype``s, each beside pairs drawn at random; and CKA.
    nodes
        Stability of each node, a row a node of each network: mean ``correlation`` with its partners in the others,
        share of partners with its ``kind``, mean cosine of the ``prototype``s.
    readings
        Reading of each layer, a row a network and layer; empty where it was not asked for.
    changes
        Changes from the first network to another of its architecture whose weights are akin, a row a layer.
    changed_nodes
        Changes of every node of these layers, a row a node.
    aligned
        Weights of further networks with their nodes in the order of the first's, a row a network and way of matching.
    line
        Loss and score along the straight line from the first network to others, as given and aligned, a row a place.
    snapshots
        Snapshots of one training, a row each as they were taken: ``network``, ``place`` in the order, ``taken_at`` (the
        epoch or step that all state), ``score`` with the 95 % interval ``low``, ``high``; agreement with the one
        before and with the last; distance of all weights from those of the one before (``weights_moved``)
        and of the last (``weights_from_last``), relative to the size of theirs. Empty for networks of other sorts.
    snapshot_layers
        Layers of the snapshots, a row a snapshot and layer: debiased CKA with the same layer of the one before
        (``cka_before``) and of the last (``cka_last``), and shares of nodes that are ``dead``, ``one-sided`` and
        ``coherent``.
    copies
        Name of a network -> state dict of its aligned copy; not written to ``compare.json``.
    images
        Inputs of the disputed samples, as stored (M, I); not written to ``compare.json``.
    image_shape
        Channels, height and width of an input, where it is an image.
    classes_named
        Names of the classes.
    left_out
        Sentences about what could not be compared.
    """

    data: dict[str, Any]
    networks: pd.DataFrame
    pairs: pd.DataFrame
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    disputed: pd.DataFrame = field(default_factory=pd.DataFrame)
    alignment: pd.DataFrame = field(default_factory=pd.DataFrame)
    layers: pd.DataFrame = field(default_factory=pd.DataFrame)
    nodes: pd.DataFrame = field(default_factory=pd.DataFrame)
    readings: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: pd.DataFrame = field(default_factory=pd.DataFrame)
    changed_nodes: pd.DataFrame = field(default_factory=pd.DataFrame)
    aligned: pd.DataFrame = field(default_factory=pd.DataFrame)
    line: pd.DataFrame = field(default_factory=pd.DataFrame)
    snapshots: pd.DataFrame = field(default_factory=pd.DataFrame)
    snapshot_layers: pd.DataFrame = field(default_factory=pd.DataFrame)
    copies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: Array = field(default_factory=lambda: np.empty((0, 0)))
    image_shape: tuple[int, int, int] | None = None
    classes_named: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give everything but the images, as JSON values with NaN as None."""
        parts = {name: value for name, value in vars(self).items() if name not in ("images", "image_shape", "copies")}
        found: dict[str, Any] = as_json({"schema": SCHEMA, **parts})
        return found
