"""Counts as rows of tidy tables, with intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from interp.analysis.statistics import benjamini_hochberg, wilson_interval
from interp.interventions.engine.measure import Measured
from interp.interventions.engine.tally import Tally


def effect_rows(keys: Sequence[tuple[str, float, int]], found: Measured, layer: str, split: str) -> pd.DataFrame:
    """Lay scores out as rows of `Effects.table`; q-values are left to be corrected.

    Parameters
    ----------
    keys
        (intervention, level, node) of each edit.
    """
    return pd.DataFrame(
        {
            "layer": layer,
            "node": [node for _, _, node in keys],
            "intervention": [kind for kind, _, _ in keys],
            "level": [level for _, level, _ in keys],
            "split": split,
            "samples": found.samples,
            "accuracy": found.score,
            "low": found.low,
            "high": found.high,
            "loss": found.loss,
            "difference": found.difference,
            "difference_low": found.difference_low,
            "difference_high": found.difference_high,
            "p_value": found.p_value,
            "q_value": np.nan,
        }
    )


def corrected(table: pd.DataFrame, *within: str) -> pd.DataFrame:
    """Correct p-values for their number within an intervention and split, and within what else is named."""
    groups = table.groupby([*within, "intervention", "split"], sort=False)["p_value"]
    return table.assign(q_value=groups.transform(lambda p: benjamini_hochberg(p.to_numpy())))


CLASS_COLUMNS = ("layer", "intervention", "level", "split", "class", "samples", "accuracy", "low", "high")


def no_classes() -> pd.DataFrame:
    """Give the table of a task without classes."""
    return pd.DataFrame(columns=list(CLASS_COLUMNS), dtype=float)


def class_rows(keys: Sequence[tuple[str, float, int]], found: Tally, layer: str, split: str) -> pd.DataFrame:
    """Lay the counts of each class out as rows of `Effects.classes`, for edits of the whole layer.

    Classes without samples are left out.
    """
    whole = [i for i, (_, _, node) in enumerate(keys) if node < 0]
    present = np.flatnonzero(found.class_samples)
    edits, classes = np.repeat(np.array(whole, int), len(present)), np.tile(present, len(whole))
    hits, samples = found.class_hits[edits, classes], found.class_samples[classes]
    low, high = wilson_interval(hits, samples)
    values = {
        "layer": layer,
        "intervention": np.repeat([keys[i][0] for i in whole], len(present)),
        "level": np.repeat([keys[i][1] for i in whole], len(present)),
        "split": split,
        "class": classes,
        "samples": samples,
        "accuracy": hits / samples,
        "low": low,
        "high": high,
    }
    return pd.DataFrame(values, columns=list(CLASS_COLUMNS))
