"""What a layer tolerates beside copies of it with shuffled weights."""

from __future__ import annotations

import numpy as np

from interp.interventions.readouts.tolerance import Compared

LEANINGS = {
    "distances": "it leans on distances more than its shape explains",
    "intensity": "it leans on intensity more than its shape explains",
    "neither": "no more than its shape explains",
    "unknown": "that compares with nothing",
}


def beside_control(name: str, found: Compared | None, measured: bool) -> str:
    """Say whether the layer's leaning is more than that of any network of its shape."""
    if found is None:
        return ""
    own, others = found.given, found.shuffled["ratio"]
    copies = f"{len(others)} copies" if len(others) > 1 else "a copy"
    kept = "the variance of its own outputs stays explained under" if measured else "its own predictions survive"
    sure = (
        ""
        if np.isnan(own["ratio_from"])
        else f" (95% interval {_ratio(own['ratio_from'])} to {_ratio(own['ratio_to'])})"
    )
    shuffled = f"{_span(others.min(), others.max())} in {copies} with shuffled weights"
    return (
        f"{name}: 99% of {kept} {own['scale_low']:.2g} to {own['scale_high']:.2g} times the"
        f" activations and shifts from {own['offset_low']:+.1%} to {own['offset_high']:+.1%}. Tolerated weakening over"
        f" tolerated shift is {_ratio(own['ratio'])}{sure}, against {shuffled}: {LEANINGS[found.leaning]}."
    )


def _span(low: float, high: float) -> str:
    return _ratio(low) if low == high or np.isnan(low) else f"{_ratio(low)} to {_ratio(high)}"


def _ratio(value: float) -> str:
    if np.isnan(value):
        return "undefined"
    return f"{value:.3g}" if np.isfinite(value) else "unbounded"
