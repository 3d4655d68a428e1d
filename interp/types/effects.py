"""What changing or silencing nodes does to the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import pandas as pd

from interp.types.arrays import Array
from interp.types.shapes import Columns, Shape
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Effects(ShortRepr):
    """What interventions cost, as one tidy table.

    Attributes
    ----------
    table
        Columns: ``layer``, ``node`` (-1 for the whole layer), ``intervention``, ``level``,
        ``split``, ``samples``, ``accuracy``, ``low``, ``high`` (95 % Wilson), ``loss``,
        ``difference`` (to the baseline), ``difference_low``, ``difference_high`` (95 % paired),
        ``p_value`` (exact McNemar; of R², paired t), ``q_value`` (Benjamini-Hochberg within layer,
        intervention and split). Without labels, accuracy is agreement with the unperturbed
        predictions and loss is NaN. ``zero-ablation`` and ``mean-ablation`` have one row a node,
        no level, and the training split; the level of clip's no-op is infinite.
    baseline
        Split -> accuracy of the unperturbed model.
    skipped
        ``layer:node`` -> why an intervention left it as it was.
    curves
        Clamps of single nodes over levels, from `interp.interventions.readouts.curves.clamp_curves`; may be empty.
    node_levels
        What is read off them: ``layer``, ``node``, ``equilibrium``, ``half_min``, ``half_max``, ``lowest``, and of
        the unperturbed network ``above`` (share of samples whose output exceeds the equilibrium level),
        ``accuracy_above`` and ``accuracy_below``; may be empty.
    balance
        Class balance at the equilibrium: ``layer``, ``node``, ``class``, ``samples``, ``above`` (share of the
        class's samples whose output exceeds that level), from `interp.interventions.readouts.balance`; may be empty.
    control
        Agreement of the network and of shuffled copies with their own unperturbed predictions, from
        `interp.interventions.readouts.control.compare_with_control`; may be empty.
    tolerance
        Read off it, a row a layer and network: the levels around the no-op that keep 99 % of the predictions,
        ``scale_low``, ``scale_high``, ``offset_low``, ``offset_high``; ``width`` (half that range of offsets),
        ``ratio`` (tolerated weakening over ``width``); and of the network itself 95 % paired-bootstrap intervals over
        samples, ``scale_low_from``, ``scale_low_to`` and so on; may be empty.
    classes
        Accuracy of each class while whole layers are changed: ``layer``, ``intervention``, ``level``, ``split``,
        ``class`` (its label; without labels the unperturbed prediction), ``samples``, ``accuracy``, ``low``,
        ``high`` (95 % Wilson); may be empty.
    falls
        The level at which each class has lost half of its accuracy: ``layer``, ``split``, ``intervention``, ``side``
        (``down`` or ``up`` from the no-op), ``class``, ``level`` (NaN: it does not fall); may be empty.
    groups
        What the user named, changed together: ``group`` (layers and nodes, joined by commas) and the columns of
        ``table`` but ``layer`` and ``node``; q-values within group, intervention and split; may be empty.
    """

    table: Annotated[
        pd.DataFrame,
        Columns(
            text="layer intervention split",
            numbers="node level samples accuracy low high loss difference difference_low difference_high "
            "p_value q_value",
        ),
    ]
    baseline: Mapping[str, float]
    skipped: Mapping[str, str]
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    node_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    balance: pd.DataFrame = field(default_factory=pd.DataFrame)
    control: pd.DataFrame = field(default_factory=pd.DataFrame)
    tolerance: pd.DataFrame = field(default_factory=pd.DataFrame)
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    falls: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, repr=False)
class RunEffects(ShortRepr):
    """What interventions cost over several independently trained networks of one architecture.

    Attributes
    ----------
    table
        Columns: ``layer``, ``intervention``, ``level``, ``split``, ``runs``, ``accuracy`` (mean over runs), ``low``,
        ``high`` (95 % t interval), ``difference`` (mean change to each run's own unperturbed accuracy),
        ``difference_low``, ``difference_high`` (95 % t interval), ``t``, ``p_value`` (paired t-test),
        ``effect_size`` (Cohen's d of paired differences), ``q_value`` (Benjamini-Hochberg within layer,
        intervention and split). NaN where nothing can be said, as where all runs change alike.
    single
        Columns ``run``, ``layer``, ``intervention``, ``level``, ``split``, ``accuracy``, ``difference``.
    networks
        Columns ``run``, ``checkpoint``, ``digest``, ``split``, ``samples``, ``accuracy`` (unperturbed).
    """

    table: Annotated[
        pd.DataFrame,
        Columns(
            text="layer intervention split",
            numbers="level runs accuracy low high difference difference_low difference_high t p_value effect_size "
            "q_value",
        ),
    ]
    single: Annotated[pd.DataFrame, Columns("layer intervention split", "run level accuracy difference")]
    networks: Annotated[pd.DataFrame, Columns("checkpoint digest split", "run samples accuracy")]


@dataclass(frozen=True, repr=False)
class Attribution(ShortRepr):
    """Importance of one layer's nodes for the predicted class, by Captum and by this program.

    Attributes
    ----------
    conductance
        Mean size of the node's conductance of the predicted class's output (Captum's LayerConductance).
    ablation
        Mean size of the change of that output when the node's own output is set to 0; NaN of nodes not drawn.
    captum_ablation
        The same as measured by Captum's LayerFeatureAblation; NaN where it cannot reach the layer, and of nodes not
        drawn.
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
