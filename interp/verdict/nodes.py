"""Sentences about nodes: dead ones, agreement with Captum, and the effects that could have been found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interp.analysis import detectable_difference
from interp.tasks import Score
from interp.types import Attribution, Boundaries, Effects
from interp.verdict.words import MANY_LAYERS

FLIPPED = 0.01
"""Share of the outcomes that silencing a node flips, for which power is stated."""


def power(effects: Effects, score: Score) -> str:
    """Say which change of the score so many samples would have shown (`detectable_difference`)."""
    if effects.single_nodes.empty or not score.share:
        return ""
    samples = int(effects.tested_nodes["samples"].iloc[0])
    least = detectable_difference(samples, FLIPPED)
    tested = f"With {samples:,} samples that test it, a node whose silencing flips {FLIPPED:.0%} of the outcomes is"
    if not np.isfinite(least):
        return f"{tested} not found with 80% power even if every flip is a loss: too few for nodes that do little."
    return (
        f"{tested} found with 80% power if {score.words} changes by {100 * least:.2f} points or more, before the"
        " correction for the number of nodes; smaller effects may have been missed."
    )


def dead_nodes(boundaries: Mapping[str, Boundaries]) -> str:
    """Count dead and one-sided nodes by layer."""
    parts = []
    for kind in ("dead", "one-sided"):
        counts = {name: found.counts[kind] for name, found in boundaries.items() if found.counts[kind]}
        if counts:
            parts.append(f"{kind} nodes: {places(counts)}")
    found = "; ".join(parts)
    return f"{found[0].upper()}{found[1:]}." if parts else "No dead or one-sided node."


def places(counts: Mapping[str, int]) -> str:
    """Give layer names with their numbers of nodes; totals where there are many layers."""
    if len(counts) <= MANY_LAYERS:
        return ", ".join(f"{count} in {name}" for name, count in counts.items())
    most = max(counts, key=lambda name: counts[name])
    return f"{sum(counts.values()):,} in {len(counts)} layers, most in {most} ({counts[most]:,})"


def captums_agreement(attribution: Mapping[str, Attribution]) -> list[str]:
    """Say how similar the rankings of each layer's nodes by two measures of importance are."""
    known = {name: found for name, found in attribution.items() if np.isfinite(found.rank_correlation)}
    return [
        f"{name}: node importance by Captum's conductance and by our ablation has rank correlation"
        f" {found.rank_correlation:.2f}{_between(found)}."
        for name, found in known.items()
    ]


def _between(found: Attribution) -> str:
    """Give the interval of a rank correlation, where it has one."""
    return f" ({found.low:.2f} to {found.high:.2f})" if np.isfinite(found.low) else ""
