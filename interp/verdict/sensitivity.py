"""Sentences about the cost of scaling and shifting a layer, in the score of the task."""

from __future__ import annotations

from collections.abc import Mapping

from interp.interventions.readouts.tolerance import TOLERATED, connected
from interp.tasks import Score
from interp.types import Effects
from interp.types.annotations.frames import pd
from interp.verdict.coherence import SIGNIFICANT


def harmless_ranges(effects: Effects, layer: str) -> dict[str, tuple[float, float]]:
    """Give the widest connected ranges of scale and offset levels around the no-op that cost less than one point.

    Parameters
    ----------
    effects
        Effects of sweeps over whole layers; rows of the training split are used.
    layer
        Name of the layer.

    Returns
    -------
    dict
        Intervention, ``scale`` or ``offset`` -> lowest and highest level of the range.
    """
    rows, found = _of_layer(effects, layer), {}
    for kind, centre in (("scale", 1.0), ("offset", 0.0)) if len(rows) else ():
        part = rows[rows["intervention"] == kind].sort_values("level")
        if len(part):
            found[kind] = connected(part["level"].to_numpy(float), -part["difference"].to_numpy(float), centre)
    return found


def sensitivity(name: str, found: Mapping[str, tuple[float, float]], score: Score) -> str:
    """Say between which levels the score stays within one point (0.01) of the unperturbed one."""
    if not {"scale", "offset"} <= set(found):
        return ""
    (low_scale, high_scale), (low, high) = found["scale"], found["offset"]
    first, last = f"{low_scale:.3g}", f"{high_scale:.3g}"
    scaled = f"from {first} to {last} times the activations"
    moved = f"for boundaries moved by {low:+.1%} to {high:+.1%} of each node's range"
    if first == last:
        scaled = "at no other scale of the activations that was tried"
    if low == high:
        moved = "for no move of the boundaries that was tried"
    return f"{name}: {score.words} stays within {score.point} {scaled}, and {moved}."


FLAT_FROM = 0.1
SMALL_SHIFT = 0.05
"""use-DM, arXiv 2411.17932, tables 2 and 4: accuracy is flat under scaling from 10 % up, and falls under offsets."""


def published_pattern(name: str, effects: Effects) -> str:
    """Say whether the layer's sweeps follow the pattern of the published networks (use-DM, tables 2 and 4)."""
    rows = _of_layer(effects, name)
    if rows.empty:
        return ""
    scaled = rows[(rows["intervention"] == "scale") & (rows["level"] >= FLAT_FROM)]
    shifted = rows[(rows["intervention"] == "offset") & (rows["level"].abs() == SMALL_SHIFT)].sort_values("level")
    if scaled.empty or len(shifted) != 2:
        return ""
    flat, (below, above) = float(scaled["difference"].min()), shifted["difference"]
    falls = bool((shifted["q_value"] < SIGNIFICANT).all()) and max(below, above) < min(flat, 0)
    verdict = "as in" if flat > -TOLERATED and falls else "unlike"
    down, up = (f"{round(100 * float(change), 2) or 0.0:+.2f}" for change in (below, above))  # no -0.00
    return (
        f"{name}: scaling z by {FLAT_FROM:g} and more costs at most {100 * max(-flat, 0):.2f} points; shifting"
        f" boundaries by {SMALL_SHIFT:.0%} of the range changes accuracy by {down} (down) and"
        f" {up} (up): {verdict} the published MNIST networks, which are flat under scaling and fall"
        " under small shifts."
    )


def _of_layer(effects: Effects, layer: str) -> pd.DataFrame:
    """Select the sweeps of one layer on the training split."""
    table = effects.whole_layers
    return table[(table["layer"] == layer) & (table["split"] == "train")] if len(table) else table
