"""Costs of interventions: the change of the scores where nodes are changed or silenced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from interp.types.annotations.frames import no_rows, pd
from interp.types.annotations.shapes import Columns, Shape
from interp.types.arrays import Array
from interp.types.shown import ShortRepr

MEASURED = "samples score low high loss difference difference_low difference_high p_value q_value"
"""Columns of the cost of a change, the same in all tables of costs."""

SWEPT = f"level no_op {MEASURED}"
TEXTS = "layer intervention split"


@dataclass(frozen=True, repr=False)
class Effects(ShortRepr):
    """Cost of interventions, in tidy tables.

    A row says what one change costs: the ``score`` of the task on so many ``samples`` with its 95 % interval (``low``,
    ``high``), the ``loss``, the ``difference`` to the unperturbed score with its 95 % interval
    paired by sample (``difference_low``, ``difference_high``), the ``p_value`` of that difference (exact McNemar; of a
    score that is no share, paired t) and the ``q_value`` (Benjamini-Hochberg within layer, intervention and split; of
    single nodes over all ways to silence them, since whoever looks at two ways looks at twice the tests).
    Without labels or targets the score is agreement with the unperturbed outputs, and the loss is NaN.

    Attributes
    ----------
    whole_layers
        Changes of all nodes of a layer at once, a row a level; ``no_op`` marks the level that changes nothing, and
        ``level`` is NaN where there is no such number, as for clip without a cap.
    single_nodes
        Nodes silenced one at a time on the training split, a row a node, by ``zero-ablation`` and ``mean-ablation``.
    baseline
        Split -> score of the unperturbed network.
    skipped
        ``layer:node`` -> why an intervention left it as it was.
    curves
        Score while the output of one node is clamped, a row a node, clamp (``clamp-min``, ``clamp-max``) and level; may
        be empty.
    node_levels
        Levels read off the curves, a row a node: where the curves of the two clamps cross (``equilibrium``), where the
        score has fallen to half when outputs are raised (``half_min``) and when they are cut (``half_max``), NaN where
        there is no such level; the least score on either curve (``lowest``). Of the unperturbed network, the share of
        samples whose output exceeds the equilibrium level (``above``), and the accuracy on those (``accuracy_above``)
        and on the others (``accuracy_below``). May be empty.
    balance
        Share of each class's samples for which a node's output exceeds its equilibrium level (``above``), a row a node
        and class; may be empty.
    control
        Agreement of the network and of copies with shuffled weights, each with its own unperturbed predictions, a row a
        level: ``network`` is ``given`` or ``shuffled``, ``copy`` the number of a copy from 0, NaN for the network
        itself; may be empty.
    tolerance
        Ends of the ranges of levels around the no-op that keep over 99 % of the predictions, a row a layer and network:
        factors on z (``scale_low``, ``scale_high``) and shifts of z in fractions of the output range (``offset_low``,
        ``offset_high``); half the range of shifts (``width``); the tolerated weakening, 1 - ``scale_low``, over
        ``width`` (``ratio``). Of the network itself, the ends ``_from`` and ``_to`` of 95 % paired-bootstrap intervals
        of ``scale_low`` and ``width`` over samples, NaN of copies. May be empty.
    classes
        Accuracy on each class (the label; without labels the unperturbed prediction) while whole layers are changed, a
        row a class and level, with its 95 % interval (``low``, ``high``); may be empty.
    falls
        Level at which each class has lost half of its accuracy, going ``down`` or ``up`` (``side``) from the no-op; NaN
        where it does not fall; may be empty.
    groups
        Changes of layers and nodes that the user named, all at once, a row a level: ``group`` is their names, joined by
        commas; q-values within group, intervention and split; may be empty.
    node_classes
        Accuracy on each class (the label; without labels the unperturbed prediction) while the output of one node is 0,
        on the samples that test single nodes, and its ``difference`` to the unperturbed accuracy on the class, a row a
        node and class; may be empty.
    """

    whole_layers: Annotated[pd.DataFrame, Columns(TEXTS, SWEPT)]
    single_nodes: Annotated[pd.DataFrame, Columns(TEXTS, f"node {MEASURED}")]
    baseline: Mapping[str, float]
    skipped: Mapping[str, str]
    curves: Annotated[pd.DataFrame, Columns("layer intervention", "node level samples score loss")] = field(
        default_factory=no_rows
    )
    node_levels: Annotated[
        pd.DataFrame,
        Columns("layer", "node equilibrium half_min half_max lowest above accuracy_above accuracy_below"),
    ] = field(default_factory=no_rows)
    balance: Annotated[pd.DataFrame, Columns("layer", "node class samples above")] = field(default_factory=no_rows)
    control: Annotated[pd.DataFrame, Columns("network layer intervention", "copy level samples agreement")] = field(
        default_factory=no_rows
    )
    tolerance: Annotated[
        pd.DataFrame,
        Columns(
            "layer network",
            "copy scale_low scale_high offset_low offset_high ratio scale_low_from scale_low_to width width_from "
            "width_to",
        ),
    ] = field(default_factory=no_rows)
    classes: Annotated[pd.DataFrame, Columns(TEXTS, "level no_op class samples accuracy low high")] = field(
        default_factory=no_rows
    )
    falls: Annotated[pd.DataFrame, Columns("layer split intervention side", "class level")] = field(
        default_factory=no_rows
    )
    groups: Annotated[pd.DataFrame, Columns("group intervention split", SWEPT)] = field(default_factory=no_rows)
    node_classes: Annotated[pd.DataFrame, Columns("layer", "node class samples accuracy difference")] = field(
        default_factory=no_rows
    )

    @property
    def tested_nodes(self) -> pd.DataFrame:
        """Rows of `single_nodes` over the samples that test them."""
        return (
            self.single_nodes[self.single_nodes["split"] == self._tested]
            if len(self.single_nodes)
            else self.single_nodes
        )

    @property
    def training_nodes(self) -> pd.DataFrame:
        """Rows of `single_nodes` over the other samples: those of the training split."""
        return (
            self.single_nodes[self.single_nodes["split"] != self._tested]
            if len(self.single_nodes)
            else self.single_nodes
        )

    @property
    def _tested(self) -> str:
        names = list(dict.fromkeys(self.single_nodes["split"]))
        return "test" if "test" in names else str(names[0])

    @property
    def table(self) -> pd.DataFrame:
        """Changes of whole layers and of single nodes in one table; ``node`` is <NA> in rows of a whole layer."""
        nodes = self.single_nodes.assign(level=np.nan, no_op=False)
        whole = self.whole_layers.assign(node=pd.NA)
        parts = [part.astype({"node": "Int64"}) for part in (whole, nodes) if len(part)]
        columns = ["layer", "node", "intervention", "level", "no_op", "split", *MEASURED.split()]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


@dataclass(frozen=True, repr=False)
class RunEffects(ShortRepr):
    """Cost of interventions over several independently trained networks of one architecture.

    Attributes
    ----------
    table
        Changes of whole layers, a row a level: the mean ``score`` over runs with its 95 % interval (``low``,
        ``high``), the mean ``difference`` to each run's own unperturbed score with its 95 % t interval, the paired
        t-test (``t``, ``p_value``), Cohen's d of the paired differences (``effect_size``) and the ``q_value``
        (Benjamini-Hochberg within layer, intervention and split). NaN where nothing can be said, as where all runs
        change alike, or of an interval of few runs. ``level`` and ``no_op`` are those of `Effects.whole_layers`.
    single
        Score and difference to the unperturbed score of each run alone, a row a run and level.
    networks
        Checkpoint, its SHA-256 (``digest``) and unperturbed score of each run, a row a run and split.
    """

    table: Annotated[
        pd.DataFrame,
        Columns(
            TEXTS,
            "level no_op runs score low high difference difference_low difference_high t p_value effect_size q_value",
        ),
    ]
    single: Annotated[pd.DataFrame, Columns(TEXTS, "run level no_op score difference")]
    networks: Annotated[pd.DataFrame, Columns("checkpoint digest split", "run samples score")]


@dataclass(frozen=True, repr=False)
class Attribution(ShortRepr):
    """Importance of one layer's nodes for the predicted class, by Captum and by this program.

    Attributes
    ----------
    conductance
        Mean size of the node's conductance of the predicted class's output (Captum's LayerConductance); NaN where a
        part of the network has no gradients, or z is no module's output.
    ablation
        Mean size of the change of the predicted class's output when the node's output is set to 0; NaN of nodes not
        drawn.
    captum_ablation
        Mean size of that change as measured by Captum's LayerFeatureAblation; NaN where it cannot reach the layer, and
        of nodes not drawn.
    rank_correlation
        Spearman's rank correlation of conductance and ablation over the nodes.
    low, high
        Ends of the rank correlation's 95 % bootstrap interval.
    p_value
        Two-sided p-value of the rank correlation.
    samples
        Number of samples that the means are taken over.
    """

    conductance: Annotated[Array, Shape("N")]
    ablation: Annotated[Array, Shape("N")]
    captum_ablation: Annotated[Array, Shape("N")]
    rank_correlation: float
    low: float
    high: float
    p_value: float
    samples: int
