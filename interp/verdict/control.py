"""What a layer tolerates beside copies of it with shuffled weights."""

from __future__ import annotations

import numpy as np

from interp.interventions.readouts.tolerance import Compared

ALGEBRA = "factors on z of a ReLU or Abs layer only scale what follows, so that tolerating them is algebra"
"""Why the ratio is a number, and no sign of what a network reads."""


def beside_control(name: str, found: Compared | None, measured: bool) -> str:
    """Give the layer's tolerances beside those of copies; what they say of the network is not known."""
    if found is None:
        return ""
    own, others = found.given, found.shuffled["ratio"]
    copies = f"{len(others)} copies" if len(others) > 1 else "a copy"
    kept = "the variance of its own outputs stays explained under" if measured else "its own predictions survive"
    shuffled = f"{_span(others.min(), others.max())} in {copies} with shuffled weights"
    return (
        f"{name}: 99% of {kept} {_factors(own['scale_low'], own['scale_high'])} and"
        f" {_shifts(own['offset_low'], own['offset_high'])}. Tolerated weakening over"
        f" tolerated shift is {_ratio(own['ratio'])}, against {shuffled}; {ALGEBRA}."
    )


def _factors(low: float, high: float) -> str:
    first, last = f"{low:.2g}", f"{high:.2g}"
    return "no other factor on the activations" if first == last else f"{first} to {last} times the activations"


def _shifts(low: float, high: float) -> str:
    first, last = (f"{end:+.1%}" if round(float(end), 3) else "0.0%" for end in (low, high))
    return "no shift" if first == last else f"shifts from {first} to {last}"


def _span(low: float, high: float) -> str:
    return _ratio(low) if low == high or np.isnan(low) else f"{_ratio(low)} to {_ratio(high)}"


def _ratio(value: float) -> str:
    if np.isnan(value):
        return "undefined"
    return f"{value:.3g}" if np.isfinite(value) else "unbounded"
