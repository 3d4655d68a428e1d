"""Values read off results: selection only, no statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from interp.types import Array, Boundaries, GaussianFit, NodeLayer, Results

ENDS = ("low", "high", "difference_low", "difference_high")
"""Columns of the ends of intervals."""


@dataclass(frozen=True)
class Span:
    """A value with its interval.

    Attributes
    ----------
    value
        Value itself; NaN where unknown.
    low, high
        Ends of its interval; NaN where unknown.
    """

    value: float
    low: float
    high: float


def coherent_share(found: Boundaries) -> Span:
    """Read the share of coherent nodes at the threshold, with its interval.

    Parameters
    ----------
    found
        Kinds of a layer's boundaries.
    """
    return _read(found, found.share, found.share_low, found.share_high)


def null_share(found: Boundaries) -> dict[str, Span]:
    """Read the shares of coherent nodes that the nulls give at the threshold, with their central 95 % ranges.

    Parameters
    ----------
    found
        Kinds of a layer's boundaries.

    Returns
    -------
    dict
        Name of a null -> share and range.
    """
    return {
        name: _read(found, share, found.null_low[name], found.null_high[name])
        for name, share in found.null_share.items()
    }


def chance(found: Boundaries) -> Span:
    """Read the null that explains the share best, which the p-value is about; of files before version 5 the first.

    Parameters
    ----------
    found
        Kinds of a layer's boundaries.
    """
    nulls, at = null_share(found), found.at_threshold
    if not nulls:
        return Span(float("nan"), float("nan"), float("nan"))
    known = {name: float(values[at]) for name, values in found.null_p_value.items() if name in nulls}
    return nulls[max(known, key=known.__getitem__) if known else next(iter(nulls))]


def share_p_value(found: Boundaries) -> float:
    """Read the largest probability, over the nulls, of at least the share found.

    Parameters
    ----------
    found
        Kinds of a layer's boundaries.

    Returns
    -------
    float
        One-sided p-value; NaN without a curve of shares.
    """
    return float(found.share_p_value[found.at_threshold]) if len(found.epsilons) else float("nan")


def shown_split(frame: pd.DataFrame) -> str:
    """Choose the split to rank nodes by: the test split where there is one.

    Parameters
    ----------
    frame
        Table with the column ``split``.

    Returns
    -------
    str
        Name of the split; empty where the table has no rows.

    Examples
    --------
    >>> shown_split(pd.DataFrame({"split": ["train", "test"]}))
    'test'
    """
    splits = list(dict.fromkeys(frame["split"])) if len(frame) else []
    return "test" if "test" in splits else (str(splits[0]) if splits else "")


def most_harmful(table: pd.DataFrame, site: str) -> list[dict[Any, Any]]:
    """Select every split's rows at the level of each sweep that costs most on the first split.

    On the split that chose the level, the worst of many, an interval would not hold the truth as often as it says: it
    has none there.

    Parameters
    ----------
    table
        Sweeps, as in `Effects.whole_layers`.
    site
        Column that names what was changed.
    """
    rows: list[dict[Any, Any]] = []
    for _, part in table.groupby([site, "intervention"], sort=False):
        first = part[part["split"] == part["split"].iloc[0]]
        if first["score"].isna().all():
            continue
        level = first.loc[first["score"].idxmin(), "level"]
        for row in part[(part["level"] == level) | (part["level"].isna() & pd.isna(level))].to_dict(orient="records"):
            chose = row["split"] == first["split"].iloc[0]
            rows.append(row | (dict.fromkeys(ENDS, float("nan")) if chose else {}))
    return rows


def analysed(results: Results) -> Iterator[tuple[NodeLayer, GaussianFit, Boundaries]]:
    """Yield the layers that were fitted and classified, in network order.

    Parameters
    ----------
    results
        Results of all stages.

    Yields
    ------
    NodeLayer, GaussianFit, Boundaries
        Layer, with the Gaussians and the boundaries of its nodes.
    """
    for layer in results.model.layers:
        if layer.name in results.fits and layer.name in results.boundaries:
            yield layer, results.fits[layer.name], results.boundaries[layer.name]


def nearest_classes(results: Results, layer: NodeLayer) -> Array | None:
    """Find the class whose mean of z lies closest to each node's boundary, in the class's standard deviations.

    Parameters
    ----------
    results
        Results of all stages.
    layer
        Layer of the nodes.

    Returns
    -------
    Array
        Index of the class, (N,), -1 of a node without one; None where no class is known.
    """
    fit = results.fits.get(layer.name)
    if fit is None or not len(fit.class_count):
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(fit.class_var > 0, np.abs(fit.class_mean) / np.sqrt(fit.class_var), np.inf)
    size = np.where(np.isnan(size), np.inf, size)
    return np.where(np.isfinite(size).any(axis=0), size.argmin(axis=0), -1)


def _read(found: Boundaries, share: Any, low: Any, high: Any) -> Span:
    if not len(found.epsilons):
        return Span(float("nan"), float("nan"), float("nan"))
    at = found.at_threshold
    return Span(float(share[at]), float(low[at]), float(high[at]))
