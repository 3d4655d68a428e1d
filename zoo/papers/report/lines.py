"""How every report draws measurements over runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns


def run_lines(tall: pd.DataFrame, **where: Any) -> sns.FacetGrid:
    """Draw the mean over runs as a line and the range over runs as a band, in panels.

    Parameters
    ----------
    tall
        Measurements, a row each, with a column for every axis named in `where`.
    **where
        Keyword arguments of `seaborn.relplot`: columns as ``x``, ``y``, ``hue``, ``col``, and settings.

    Returns
    -------
    FacetGrid
        Panels, to be labelled further.

    Examples
    --------
    >>> tall = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0]})
    >>> run_lines(tall, x="epoch", y="loss").axes.shape
    (1, 1)
    """
    return sns.relplot(tall, kind="line", errorbar=("pi", 100), height=3, **where)
