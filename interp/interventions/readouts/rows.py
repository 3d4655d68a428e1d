"""Counts as rows of tidy tables, with intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from interp.analysis import benjamini_hochberg, share_interval
from interp.interventions.engine.measure import Measured
from interp.interventions.engine.tally import Tally
from interp.interventions.levels import no_op
from interp.types.annotations.frames import pd

Level = tuple[str, float]
"""Name of an intervention, and its level."""


def level_rows(levels: Sequence[Level], found: Measured) -> pd.DataFrame:
    """Lay scores out as rows of `Effects.whole_layers` or `Effects.groups`, without the layer, group or split.

    Parameters
    ----------
    levels
        Intervention and level of each of the first edits.
    found
        Scores under these edits and perhaps others, which are left out.
    """
    return pd.DataFrame({**_levels(levels), **_measured(found, slice(0, len(levels)))})


def node_rows(nodes: Sequence[tuple[str, int]], found: Measured) -> pd.DataFrame:
    """Lay scores out as rows of `Effects.single_nodes`, without layer and split.

    Parameters
    ----------
    nodes
        Intervention and node of each of the last edits.
    found
        Scores under these edits and perhaps others, which are left out.
    """
    keys = {"node": [node for _, node in nodes], "intervention": [kind for kind, _ in nodes]}
    count = len(found.score)
    return pd.DataFrame({**keys, **_measured(found, slice(count - len(nodes), count))})


def _levels(levels: Sequence[Level]) -> dict[str, Any]:
    """Give the columns that name a level: NaN where the no-op is no number, such as a cap at infinity."""
    level = np.array([level for _, level in levels], float)
    none = np.array([no_op(kind) for kind, _ in levels], float)
    return {
        "intervention": [kind for kind, _ in levels],
        "level": np.where(np.isfinite(level), level, np.nan),
        "no_op": level == none,
    }


def _measured(found: Measured, some: slice) -> dict[str, Any]:
    """Give the columns that say what edits cost; q-values are left to be corrected."""
    return {
        "samples": found.samples,
        "score": found.score[some],
        "low": found.low[some],
        "high": found.high[some],
        "loss": found.loss[some],
        "difference": found.difference[some],
        "difference_low": found.difference_low[some],
        "difference_high": found.difference_high[some],
        "p_value": found.p_value[some],
        "q_value": np.nan,
    }


def labelled(table: pd.DataFrame, **labels: str) -> pd.DataFrame:
    """Put columns of one value each before the others."""
    return table.assign(**labels)[[*labels, *table.columns]]


def corrected(table: pd.DataFrame, *within: str) -> pd.DataFrame:
    """Correct p-values for their number within the groups that columns tell apart."""
    if table.empty:
        return table
    groups = table.groupby([*within], sort=False)["p_value"]
    return table.assign(q_value=groups.transform(lambda p: benjamini_hochberg(p.to_numpy())))


def class_rows(levels: Sequence[Level], found: Tally) -> pd.DataFrame:
    """Lay the counts of each class out as rows of `Effects.classes`, without layer and split.

    Classes without samples are left out.

    Parameters
    ----------
    levels
        Intervention and level of each of the first edits.
    found
        Counts under these edits and perhaps others, which are left out.
    """
    present = np.flatnonzero(found.class_samples)
    edits, classes = np.repeat(np.arange(len(levels)), len(present)), np.tile(present, len(levels))
    hits, samples = found.class_hits[edits, classes], found.class_samples[classes]
    low, high = share_interval(hits, samples)
    keys = pd.DataFrame(_levels(levels)).iloc[edits].reset_index(drop=True)
    return keys.assign(**{"class": classes}, samples=samples, accuracy=hits / samples, low=low, high=high)


def node_class_rows(nodes: Sequence[tuple[str, int]], found: Tally) -> pd.DataFrame:
    """Lay what silencing each node with 0 costs each class out as rows of `Effects.node_classes`, without the layer.

    Classes without samples are left out.

    Parameters
    ----------
    nodes
        Intervention and node of each of the last edits.
    found
        Counts under these edits, the one before them, which changes nothing, and perhaps others.
    """
    present = np.flatnonzero(found.class_samples)
    samples, hits = found.class_samples[present], found.class_hits[:, present]
    zeroed = np.array([kind == "zero-ablation" for kind, _ in nodes])
    silenced, usual = hits[len(hits) - len(nodes) :][zeroed], hits[len(hits) - len(nodes) - 1]
    node = np.array([node for _, node in nodes])[zeroed]
    keys = {"node": np.repeat(node, len(present)), "class": np.tile(present, len(node))}
    return pd.DataFrame(
        {
            **keys,
            "samples": np.tile(samples, len(node)),
            "accuracy": (silenced / samples).ravel(),
            "difference": ((silenced - usual) / samples).ravel(),
        }
    )
