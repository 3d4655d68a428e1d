"""Distances of boundaries to cluster means, over all thresholds, beside those by chance."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.report.drawing.style import INK, KIND_COLOURS, NULL_COLOURS, canvas, colour, layer_figures, pale, undrawn
from interp.report.selection.lookup import analysed
from interp.types import KINDS, UNSAMPLED, Boundaries, Figure, Results, Section


def section(results: Results) -> Section:
    """Show the coherent share as a curve over the threshold, and the distances behind it.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    text = (
        "Left: the share of live nodes that would be called coherent at every threshold, with a 95 % interval over "
        "nodes where they are enough for one. The other lines are nulls: the same weights through random data points "
        "or the data mean, the layer's biases permuted among its nodes, random directions through random data points, "
        "and layers freshly initialised, without biases or with a batch norm, with the central 95 % of what each "
        "gives.",
        "A layer stands out only where its curve leaves the nulls' bands. Right: the distances themselves; the "
        "dashed line is the threshold in use.",
        "The label alone says little: at a wide enough threshold, every boundary through the data is “coherent”.",
    )
    names = layer_figures("boundaries", results.boundaries)
    figures = (
        Figure(names[layer.name], _caption(layer.name, found), partial(_figure, found))
        for layer, _, found in analysed(results)
        if layer.name in names
    )
    return Section("Boundaries and chance", (*text, *undrawn(names, results.boundaries)), tuple(figures))


def _unit(found: Boundaries) -> str:
    return "sigma" if found.thresholds.rule == "mixture" else "output units"


def _caption(layer: str, found: Boundaries) -> str:
    nodes = len(found.kind)
    many = f"{found.classified:,} boundaries drawn of {nodes:,}" if found.counts.get(UNSAMPLED) else _boundaries(nodes)
    return (
        f"{layer}: share of coherent nodes over the threshold, beside its nulls (left); distance of "
        f"{many} to the closest mean, in {_unit(found)} (right; the last bar holds all beyond)." + _by_class(found)
    )


def _by_class(found: Boundaries) -> str:
    """Count the kinds by the means of classes, which need no mixture."""
    counts = {} if found.by_class is None else found.by_class.counts
    said = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    return f" Beside the means of classes alone: {said}." if said else ""


def _boundaries(nodes: int) -> str:
    return "its boundary" if nodes == 1 else f"each of {nodes:,} boundaries"


def _figure(found: Boundaries) -> Any:
    figure, grid = canvas(1, 2, height=2.9, width_ratios=(1.25, 1))
    _curve(grid[0, 0], found)
    _distances(grid[0, 1], found)
    return figure


def _curve(axes: Any, found: Boundaries) -> None:
    for position, (name, share) in enumerate(found.null_share.items()):
        shade = colour(name, NULL_COLOURS, position)
        axes.fill_between(found.epsilons, found.null_low[name], found.null_high[name], color=shade, alpha=0.13, lw=0)
        axes.plot(found.epsilons, share, color=shade, lw=1.2, ls=("--", ":", "-.")[position % 3], label=name)
    blue = KIND_COLOURS["coherent"]
    axes.fill_between(found.epsilons, found.share_low, found.share_high, color=blue, alpha=0.2, lw=0)
    axes.plot(found.epsilons, found.share, color=blue, lw=2, label="this layer")
    axes.axvline(found.thresholds.epsilon, color=INK, lw=0.8, ls=(0, (4, 3)))
    axes.set(xlabel=f"threshold ({_unit(found)})", ylabel="share of live nodes", ylim=(-0.02, 1.02))
    axes.legend(loc="best")
    pale(axes)


def _distances(axes: Any, found: Boundaries) -> None:
    distance = np.abs(np.asarray(found.distance, float))
    frame = pd.DataFrame({"distance": distance, "kind": np.asarray(found.kind).astype(str)})[np.isfinite(distance)]
    axes.set(xlabel=f"distance to the closest mean ({_unit(found)})", ylabel="nodes")
    if frame.empty:
        axes.text(0.5, 0.5, "no node has a distance", transform=axes.transAxes, ha="center", va="center")
        return
    far = _far(found, distance)
    frame["distance"] = frame["distance"].clip(upper=far)
    present = [kind for kind in KINDS if (frame["kind"] == kind).any()]
    import seaborn as sns

    sns.histplot(
        frame, x="distance", hue="kind", hue_order=present, palette=KIND_COLOURS, multiple="stack", ax=axes,
        bins=_edges(far, found.thresholds.epsilon), alpha=0.85, edgecolor="white", linewidth=0.5,
    )  # fmt: skip
    axes.axvline(found.thresholds.epsilon, color=INK, lw=0.8, ls=(0, (4, 3)))
    sns.move_legend(axes, "lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(present), title=None)
    axes.yaxis.get_major_locator().set_params(integer=True)
    pale(axes)


def _edges(far: float, epsilon: float) -> Any:
    """Give about 30 bins, the threshold at an edge: no bar holds both coherent and adhoc nodes."""
    width = epsilon / max(round(30 * epsilon / far), 1)
    return np.arange(0, far + width, width)


def _far(found: Boundaries, distance: Any) -> float:
    """Give the axis' end: far outliers are drawn in the last bin, so that the others stay visible."""
    known = distance[np.isfinite(distance)]
    return float(max(min(known.max(), 12 * found.thresholds.epsilon), 2 * found.thresholds.epsilon, 1e-9))
