"""How every report draws measurements over runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns


def run_lines(tall: pd.DataFrame, **where: Any) -> sns.FacetGrid:
    """Draw the mean over runs as a line, the range over runs as a band, in panels.

    Parameters
    ----------
    tall
        A row a run and place.
    where
        Columns and settings of `seaborn.relplot`: ``x``, ``y``, ``hue``, ``col``, ...
    """
    return sns.relplot(tall, kind="line", errorbar=("pi", 100), height=3, **where)
