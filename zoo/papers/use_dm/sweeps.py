"""use-DM's perturbations of the hidden layer, measured with `interp.interventions`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from interp.checkpoints import load_model
from interp.interventions import INTERVENTIONS, NO_OPS, PUBLISHED, levels, output_ranges, tally
from interp.types import Array, Dataset

ELEMENT_50 = {"scale": 0.3275, "clip": 0.3275, "offset": -0.22}
"""Where the published t and p columns compare with, instead of the unperturbed model."""


def sweep(path: Path, data: Dataset, count: int = 40, layer: str | None = None) -> pd.DataFrame:
    """Perturb one layer of one network at the published levels and some between.

    The perturbation is y = min(s z + t, clip) on the pre-activation z; levels are fractions of each node's own output
    range over the training split (use-DM, section 4).

    Parameters
    ----------
    path
        Path of a zoo checkpoint.
    data
        Data set that it was trained on; accuracy is on the training split, as published.
    count
        Number of levels of each intervention; 0 for the published ones alone.
    layer
        Name of the perturbed layer; None for the first.

    Returns
    -------
    DataFrame
        Columns ``intervention``, ``level``, ``accuracy`` in percent; the level that changes nothing
        gives the unperturbed model.
    """
    model, _ = load_model(path, data)
    place = model.layer(layer) if layer else model.layers[0]
    found = output_ranges(model, place, data.train.inputs)
    keys = [(kind, level) for kind in ELEMENT_50 for level in chosen_levels(kind, count)]
    counts = tally(model, place, [INTERVENTIONS[kind](level, found) for kind, level in keys], data.train)
    return pd.DataFrame(keys, columns=["intervention", "level"]).assign(accuracy=100 * counts.hits / counts.samples)


def chosen_levels(kind: str, count: int) -> list[float]:
    """List the levels of one intervention: the published ones, element 50, the no-op, some between.

    Parameters
    ----------
    kind
        Intervention: ``scale``, ``clip`` or ``offset``.
    count
        Number of levels between; 0 for none.

    Examples
    --------
    >>> 0.3275 in chosen_levels("scale", 0), 1.0 in chosen_levels("scale", 0)
    (True, True)
    """
    between = map(float, levels(kind, count)) if count else ()
    return sorted({*PUBLISHED[kind], ELEMENT_50[kind], NO_OPS[kind], *between})


def sweep_all(paths: Sequence[Path], data: Dataset, count: int = 40, layer: str | None = None) -> pd.DataFrame:
    """Sweep every network.

    Parameters
    ----------
    paths
        Paths of zoo checkpoints, one a run.
    data
        Data set that they were trained on.
    count
        Number of levels of each intervention; 0 for the published ones alone.
    layer
        Name of the perturbed layer; None for the first.

    Returns
    -------
    DataFrame
        Columns as of `sweep`, and ``run``, the position in `paths`.
    """
    found = [sweep(path, data, count, layer).assign(run=index) for index, path in enumerate(paths)]
    return pd.concat(found, ignore_index=True)


def accuracies(swept: pd.DataFrame, intervention: str, level: float) -> Array:
    """Give the accuracy of every run at one level.

    Parameters
    ----------
    swept
        Accuracies at all levels, from `sweep_all`.
    intervention
        Intervention: ``scale``, ``clip`` or ``offset``.
    level
        Level of the intervention.

    Returns
    -------
    Array
        Accuracies in percent, (R,).
    """
    rows = swept[(swept["intervention"] == intervention) & (swept["level"] == level)]
    return np.asarray(rows.sort_values("run")["accuracy"], np.float64)


def paired_tests(swept: pd.DataFrame, intervention: str, level: float) -> dict[str, float]:
    """Test a level against the unperturbed model and, as published, against element 50.

    Parameters
    ----------
    swept
        Accuracies at all levels, from `sweep_all`.
    intervention
        Intervention: ``scale``, ``clip`` or ``offset``.
    level
        Level of the intervention.

    Returns
    -------
    dict
        Statistic t and p-value of paired t-tests over runs: ``t (unperturbed)``, ``p (unperturbed)``,
        ``t (element 50)``, ``p (element 50)``. Positive t: the perturbed model is worse. NaN with one run or without
        any difference.
    """
    ours = accuracies(swept, intervention, level)
    found: dict[str, float] = {}
    for name, other in (("unperturbed", NO_OPS), ("element 50", ELEMENT_50)):
        t, p = _paired(accuracies(swept, intervention, other[intervention]), ours)
        found |= {f"t ({name})": t, f"p ({name})": p}
    return found


def _paired(first: Array, second: Array) -> tuple[float, float]:
    difference = first - second
    if len(difference) < 2 or np.ptp(difference) == 0:
        return float("nan"), float("nan")
    with warnings.catch_warnings():  # nearly equal differences: scipy warns of lost digits
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.ttest_rel(first, second)
    return float(result.statistic), float(result.pvalue)
