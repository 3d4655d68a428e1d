"""How many boundaries pass through cluster means, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interp.types import UNSAMPLED, Boundaries

SIGNIFICANT = 0.01
"""Largest p-value at which a share counts as more than chance gives."""


def beats_null(found: Boundaries) -> bool:
    """Tell whether more boundaries pass through cluster means than parallel ones through random data points would."""
    at = found.at_threshold
    return bool(found.share_p_value[at] < SIGNIFICANT) and all(
        found.share[at] > share[at] for share in found.null_share.values()
    )


def coherence(name: str, found: Boundaries) -> str:
    """Say how many of a layer's boundaries pass through cluster means, beside what chance gives."""
    at = found.at_threshold
    live = found.classified
    if not live or "random point" not in found.null_share:
        return f"{name}: no live node to classify."
    unit = "sigma" if found.thresholds.rule == "mixture" else "output units"
    drawn = " that were drawn" if found.counts.get(UNSAMPLED) else ""
    verdict = "more than chance" if beats_null(found) else "what chance gives"
    return (
        f"{name}: {found.share[at]:.0%} of {live} live nodes{drawn} have their boundary within"
        f" {found.thresholds.epsilon:g} {unit} of a cluster mean"
        f" ({found.share_low[at]:.0%} to {found.share_high[at]:.0%}); parallel boundaries through random data points"
        f" would give {found.null_share['random point'][at]:.0%} (p = {found.share_p_value[at]:.2g}): {verdict}."
    )


def coherences(boundaries: Mapping[str, Boundaries]) -> list[str]:
    """Sum up the coherence of many layers; each has its line in the page's table of layers."""
    better = [name for name, found in boundaries.items() if beats_null(found)]
    shares = [float(found.share[found.at_threshold]) for found in boundaries.values() if found.classified]
    if not shares:
        return ["No layer has a live node to classify."]
    named = f" ({', '.join(better)})" if better else ""
    return [
        f"{len(better)} of {len(boundaries)} hidden layers{named} have more coherent nodes than chance gives, at"
        f" p < {SIGNIFICANT:g} each; shares of coherent nodes go from {min(shares):.0%} to {max(shares):.0%}, with a"
        f" median of {np.median(shares):.0%}."
    ]
