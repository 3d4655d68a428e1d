"""Distributions of z over the data, node by node, with the fitted mixture and the boundary z = 0."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from interp.report.drawing.style import INK, KIND_COLOURS, canvas, layer_figures, undrawn
from interp.report.selection.choose import evenly
from interp.report.selection.lookup import analysed
from interp.report.tables.numbers import decimals
from interp.types import Boundaries, Figure, GaussianFit, Results, Section

PANELS = 24
COLUMNS = 6
BINS = 40  # bins of a drawn histogram, or a few more


def section(results: Results) -> Section:
    """Show the distributions of representative nodes of every layer.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    text = (
        "Each panel is one node: the histogram of its z over the training data, the Gaussian mixture fitted to it "
        "(number of components by BIC), and its boundary, the vertical line at z = 0.",
        "Read |z| as a distance: inputs at the line are as close to the node's prototype as can be, inputs far from "
        "it are far. A coherent node has its line at the middle of a cluster; an adhoc one has it on a slope, or "
        "between clusters.",
        "A mixture component is a convenient description, not a proven cluster: BIC adds components to any long tail.",
    )
    names = layer_figures("distributions", results.fits)
    figures = (
        Figure(
            names[layer.name],
            _caption(layer.name, fit, found),
            partial(_panels, fit, found),
            tuple((layer.name, node) for node in evenly(found, PANELS, fit.nodes)),
        )
        for layer, fit, found in analysed(results)
        if layer.name in names
    )
    return Section("Distributions", (*text, *undrawn(names, results.fits)), tuple(figures))


def _caption(layer: str, fit: GaussianFit, found: Boundaries) -> str:
    shown, drawn, nodes = len(evenly(found, PANELS, fit.nodes)), len(fit.nodes), len(found.kind)
    of = f"{nodes:,} nodes" if drawn == nodes else f"the {drawn:,} nodes drawn of {nodes:,}"
    chosen = f"{shown} of {of}, chosen evenly over the rank of their distance"
    if shown == drawn:
        chosen = "all nodes" if drawn == nodes else f"all of {of}"
    unit = "standard deviations" if found.thresholds.rule == "mixture" else "output units"
    return (
        f"{layer}: {chosen}, nearest first. The number is the distance of the boundary to the closest mean, in {unit}."
    )


def _panels(fit: GaussianFit, found: Boundaries) -> Any:
    nodes = evenly(found, PANELS, fit.nodes)
    rows = max(-(-len(nodes) // COLUMNS), 1)
    height = 1.12 * rows
    figure, grid = canvas(rows, COLUMNS, height=height, layout=None)  # the layout engine takes longer than the drawing
    figure.subplots_adjust(left=0.01, right=0.99, top=1 - 0.2 / height, bottom=0.22 / height, wspace=0.12, hspace=0.65)
    for axes in grid.flat[len(nodes) :]:
        axes.set_axis_off()
    for axes, node in zip(grid.flat, nodes, strict=False):
        _panel(axes, node, fit, found)
    return figure


def _panel(axes: Any, node: int, fit: GaussianFit, found: Boundaries) -> None:
    kind = str(found.kind[node])
    colour = KIND_COLOURS.get(kind, INK)
    note = f" {decimals(abs(float(found.distance[node])))}" if np.isfinite(found.distance[node]) else ""
    axes.set_title(f"{node} {kind}{note}", color=colour, fontsize=7.5, pad=3)
    axes.set_yticks([])
    axes.spines[["left", "top", "right"]].set_visible(False)
    low, high = float(fit.minimum[node]), float(fit.maximum[node])
    if not (np.isfinite(low) and np.isfinite(high) and high > low):
        return _constant(axes, low)
    tallest = _histogram(axes, fit.histogram[node], low, high, colour)
    curve = _mixture(axes, fit, node, low, high, colour)
    axes.set_ylim(0, 1.08 * max(tallest, min(curve, 2.5 * tallest), 1e-300))
    return _boundary(axes, low, high)


def _constant(axes: Any, value: float) -> None:
    axes.set_xticks([])
    axes.text(0.5, 0.5, f"constant {decimals(value)}", transform=axes.transAxes, ha="center", va="center", fontsize=7.5)


def _histogram(axes: Any, counts: Any, low: float, high: float, colour: str) -> float:
    """Draw the histogram as a density; give its tallest bar."""
    counts = _coarse(np.asarray(counts, float))
    density = counts / max(counts.sum(), 1) / (high - low) * len(counts)
    axes.stairs(density, np.linspace(low, high, len(counts) + 1), fill=True, color=colour, alpha=0.28)
    return float(density.max(initial=0.0))


def _coarse(counts: Any) -> Any:
    """Join neighbouring bins until they are wide enough to see; too many bins of few rows draw a brush."""
    divisors = [d for d in range(1, max(len(counts) // BINS, 1) + 1) if len(counts) % d == 0]
    return counts.reshape(-1, divisors[-1]).sum(1)


def _mixture(axes: Any, fit: GaussianFit, node: int, low: float, high: float, colour: str) -> float:
    """Draw the mixture and its components; give its greatest density."""
    z = np.linspace(low, high, 200)
    parts = fit.density(node, z)
    if not parts.shape[1]:
        return 0.0
    if parts.shape[1] > 1:
        axes.plot(z, parts, color=colour, lw=0.6, alpha=0.8)
    axes.plot(z, parts.sum(1), color=colour, lw=1.3)
    return float(parts.sum(1).max())


def _boundary(axes: Any, low: float, high: float) -> None:
    """Draw z = 0; where it lies far outside the data, point to it instead of squeezing the data."""
    room = 0.35 * (high - low)
    if low - room <= 0 <= high + room:
        axes.axvline(0, color=INK, lw=1.2)
        axes.set_xlim(min(low, -0.02 * (high - low)), max(high, 0.02 * (high - low)))
    else:
        axes.set_xlim(low, high)
        side, words = (0.02, "← z = 0") if low > 0 else (0.98, "z = 0 →")
        axes.text(side, 0.86, words, transform=axes.transAxes, ha="left" if low > 0 else "right", fontsize=7)
    axes.locator_params(axis="x", nbins=3)
