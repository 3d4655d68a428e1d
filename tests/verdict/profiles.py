"""Profiles whose verdict is known, and copies around zero."""

from dataclasses import replace

import numpy as np

from interp.types import ReadingProfile
from interp.verdict.reading.levels import CUTS, LEVELS

COPIES = {"shuffled": np.linspace(-0.15, 0.15, 1999), "fresh": np.linspace(-0.1, 0.1, 1999)}
BALANCES = {"distances": 0.6, "intensities": -0.6, "neither": 0.02}


def profile(leaning="distances", **change):
    """Make the profile of a layer that is called so."""
    if leaning == "undecided":  # copies that lie everywhere
        change = {"balance": 0.6, "copied_balance": {kind: np.linspace(-1, 1, 1999) for kind in COPIES}} | change
        leaning = "distances"
    found = ReadingProfile(
        skipped="", split="test", samples=400, of=1000, logits=10, balance=BALANCES[leaning], reached=1.0,
        copied_balance=COPIES, curve=np.full(10, 0.1), flipped=np.full(10, 0.02),
        curve_low={kind: np.full(10, 0.08) for kind in COPIES}, curve_high={kind: np.full(10, 0.12) for kind in COPIES},
        cuts=np.array(CUTS), kept_at=np.full(len(CUTS), 0.8), best_cut=0.3, kept=0.95,
        copied_kept={kind: np.linspace(0.4, 0.6, 99) for kind in COPIES}, levels=np.array(LEVELS, float),
        kept_levels=np.full(len(LEVELS), 0.97), kept_levels_low={kind: np.full(len(LEVELS), 0.5) for kind in COPIES},
        kept_levels_high={kind: np.full(len(LEVELS), 0.7) for kind in COPIES}, needed=2.0,
        copied_needed={kind: np.full(99, np.inf) for kind in COPIES},
    )  # fmt: skip
    return replace(found, **change)
