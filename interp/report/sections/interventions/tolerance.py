"""Tolerance of each layer to scaling and shifting, beside the same network with shuffled weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from interp.interventions.readouts.tolerance import Compared, compared
from interp.report.drawing.level_axis import plain_ticks
from interp.report.drawing.style import FAINT, KIND_COLOURS, canvas, pale, short
from interp.report.tables.numbers import finite, number, percent
from interp.tasks import Score
from interp.types import Effects, Figure

MOST = 16  # layers drawn
OWN = KIND_COLOURS["coherent"]
OWN_PREDICTIONS = "of the network's own predictions stay"
PREDICTIONS_KEPT = (
    "keep 99 % of its own predictions (blue; the whisker is the 95 % bootstrap interval of the lowest factor"
)
LAST_LAYER = "Scaling a linear last layer changes neither which output is largest nor the sign of any."
LOGARITHMIC = 10  # a span of factors from which they are drawn by order of magnitude


def tolerance_text(effects: Effects, layers: list[str], name: Score) -> tuple[str, ...]:
    """Say in a sentence a layer what it tolerates, and what its shuffled copies do.

    Parameters
    ----------
    effects
        Costs of interventions.
    layers
        Names of the layers.
    name
        Score of the task.
    """
    kept = OWN_PREDICTIONS if name.share else "of the variance of the network's own outputs stays explained"
    pairs = [(layer, found) for layer in layers if (found := compared(effects.tolerance, layer)) is not None]
    return tuple(_tolerated(layer, found, kept) for layer, found in pairs[:3])


def _tolerated(layer: str, found: Compared, kept: str) -> str:
    """Say what a layer tolerates, and what is in the middle of its shuffled copies."""
    own, middle = found.given, found.middle
    moved = f"{percent(own['offset_low'])} to {percent(own['offset_high'])} of each node's range"
    factors = _range(number(middle("scale_low")), number(middle("scale_high")))
    moves = _range(percent(middle("offset_low")), percent(middle("offset_high")))
    return (
        f"With z of layer {layer} {_factors(number(own['scale_low']), number(own['scale_high']))}, or its boundaries"
        f" moved by {moved}, 99 % {kept}. With shuffled weights: factors of {factors}, and moves by {moves}."
    )


def _factors(low: str, high: str) -> str:
    if low == high:
        return "as large as it is, no other factor that was tried"
    return f"multiplied by anything from {low} to {high}"


def _range(low: str, high: str) -> str:
    return f"{low} to {high}" if low != high else f"{low} alone"


def tolerance_figure(effects: Effects, name: Score) -> tuple[Figure, ...]:
    """Draw the levels that each layer tolerates, and below them those that shuffled copies do.

    Parameters
    ----------
    effects
        Costs of interventions.
    name
        Score of the task.

    Returns
    -------
    tuple of Figure
        One figure; none without tolerances.
    """
    if effects.tolerance.empty:
        return ()
    every = list(dict.fromkeys(effects.tolerance["layer"]))
    layers = every[:MOST]
    kept = PREDICTIONS_KEPT if name.share else "keep 99 % of the variance of its own outputs explained (blue"
    who = "each layer tolerates" if layers == every else f"the first {MOST} of {len(every):,} layers tolerate"
    caption = (
        f"What {who}: the levels "
        f"around the unperturbed network (dashed) that {kept}), and the same for copies with shuffled weights (grey): "
        f"what any network of this shape tolerates. {LAST_LAYER if name.share else ''}"
    ).strip()
    return (Figure("interventions-tolerance", caption, partial(_draw, effects.tolerance, layers)),)


def _draw(tolerance: pd.DataFrame, layers: list[str]) -> Any:
    figure, axes = canvas(1, 2, height=1.0 + 0.46 * len(layers), sharey=True)
    for row, layer in enumerate(layers):
        part = tolerance[tolerance["layer"] == layer]
        for place, kind in zip(axes[0], ("scale", "offset"), strict=True):
            _bars(place, part, kind, row)
    for place, centre, label in zip(axes[0], (1, 0), ("factor on z", "shift, fraction of the range"), strict=True):
        place.axvline(centre, color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
        place.set_xlabel(label)
        pale(place)
    if tolerance["scale_high"].max() >= LOGARITHMIC * tolerance["scale_low"].min():
        axes[0, 0].set_xscale("log")
        plain_ticks(axes[0, 0].xaxis)
    axes[0, 0].set_yticks(range(len(layers)), [short(name) for name in layers])
    axes[0, 0].set_ylim(len(layers) - 0.4, -0.6)
    return figure


def _bars(axes: Any, part: pd.DataFrame, kind: str, row: int) -> None:
    own = part[part["network"] == "given"]
    copies = part[part["network"] == "shuffled"]
    spread = np.linspace(0.12, 0.36, max(len(copies), 2))
    for place, (low, high) in zip(spread, copies[[f"{kind}_low", f"{kind}_high"]].to_numpy(float), strict=False):
        axes.plot([low, high], [row + place] * 2, color=FAINT, lw=1.6, alpha=0.8, solid_capstyle="butt")
    for found in own.to_dict(orient="records"):
        low, high = found[f"{kind}_low"], found[f"{kind}_high"]
        axes.plot([low, high], [row - 0.12] * 2, color=OWN, lw=6, solid_capstyle="butt")
        axes.plot([low, high], [row - 0.12] * 2, "|", color=OWN, ms=7)  # one that tolerates nothing shows too
        if kind == "scale" and finite(found["scale_low_from"]):
            axes.plot([found["scale_low_from"], found["scale_low_to"]], [row - 0.3] * 2, color=OWN, lw=1.2)
