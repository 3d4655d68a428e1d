"""Candidates under which slopes are left, weighed again on rows as a regularised training saw them.

Dropout, smoothed labels and shifted images change what the loss is of: training ends where it is stationary on changed
rows, so that on rows as they are slopes are left under the right activation too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from interp.checkpoints.inference.weighing.doubt import NOTHING
from interp.checkpoints.inference.weighing.regular.how import NONE, Regularisation
from interp.checkpoints.inference.weighing.regular.run import TrainingRows, signs_in_training
from interp.checkpoints.inference.weighing.regular.search import affordable, found_regularisation
from interp.checkpoints.inference.weighing.signs import NAMES, Signs
from interp.checkpoints.inference.weighing.weigh import (
    CLOSE,
    FIRST,
    Weighed,
    against,
    by_share,
    parted,
    shares,
    shares_alone,
)
from interp.types import Inference

LEFT = 0.5
"""Mean logarithm of the squared t values of slopes in weights above which a regularisation is looked for."""

AT_REST, FALL = 0.5, 0.3
"""Largest such value on rows as training saw them, and how much less than on rows as they are it must be.

Under an activation that was not tried, 1.2 and more is left under any regularisation (`docs/inference.md`).
"""

OWN, KINDS = NAMES.index("slope in weights"), NAMES.index("kinds")


@dataclass(frozen=True)
class InTraining:
    """Candidates on rows as training saw them.

    Attributes
    ----------
    how
        Changes of the rows under which the least slopes are left.
    weighed
        Candidates, the likeliest first, with their slopes on such rows.
    before
        Mean logarithm of the squared t values of slopes in weights on rows as they are, of the candidate that stood.
    after
        Mean logarithm of those on rows as training saw them, of the likeliest candidate.
    """

    how: Regularisation
    weighed: list[Weighed]
    before: float
    after: float

    @property
    def fact(self) -> Inference:
        """How training changed its rows, a guess."""
        why = (
            "under the likeliest activation slopes of the loss in the weights have a mean squared t value of about"
            f" {exp(self.after):.1f} on rows changed so, {exp(self.before):.1f} on rows as they are (near 1 where"
            " training ended); of dropout, smoothed labels and shifted images those that were tried"
        )
        return Inference(str(self.how), "uncertain", why, harmless=True)


def leaves_slopes(signs: Signs) -> bool:
    """Whether a candidate leaves slopes on rows as they are, of a loss that is more than nothing."""
    return signs.trial.loss > NOTHING and float(signs.values[OWN]) > LEFT


def weighed_in_training(
    rows: TrainingRows, looked_at: Sequence[Signs], stands: Signs, least: float
) -> InTraining | None:
    """Weigh candidates on rows as training saw them; None where under no regularisation they leave few slopes.

    Parameters
    ----------
    rows
        Rows, and what they are run through.
    looked_at
        Signs of all candidates that were looked at, with the scaling that stands.
    stands
        Signs of the candidate that stands, which leaves slopes.
    least
        Score below which a candidate has no share of the evidence.
    """
    likely, beaten = parted(looked_at, least)
    how = found_regularisation(rows, _tried(likely, stands))
    if how == NONE:
        return None
    count = max(affordable(rows, likely, len(rows.labels)), CLOSE // 2)  # candidates, of all rows
    again = signs_in_training(rows, sorted(likely, key=_without_slopes)[:count], how)
    close = sorted(again, key=against)[:CLOSE]
    weighed = by_share(close, shares(close))
    before, after = (float(one.values[OWN]) for one in (stands, weighed[0].signs))
    return InTraining(how, [*weighed, *beaten], before, after) if after <= min(AT_REST, before - FALL) else None


def scalings_in_training(rows: TrainingRows, weighed: Sequence[Weighed], how: Regularisation) -> list[Weighed]:
    """Weigh scalings on rows as training saw them.

    Parameters
    ----------
    rows
        Rows, and what they are run through.
    weighed
        Scalings weighed on rows as they are; those without a share stay so.
    how
        Changes of the rows.
    """
    left = [one.signs for one in weighed if one.share]
    again = signs_in_training(rows, left, how)
    return [*by_share(again, shares_alone(again)), *(one for one in weighed if not one.share)]


def _tried(likely: Sequence[Signs], stands: Signs) -> list[Signs]:
    """Choose candidates to look for a regularisation with: the likeliest, and those that do best but for slopes."""
    of_one_kind = sorted((one for one in likely if not one.values[KINDS]), key=_without_slopes)
    in_turns = [one for pair in zip(of_one_kind, sorted(likely, key=against), strict=False) for one in pair]
    return list({one.trial.candidate: one for one in [stands, *in_turns]}.values())


def _without_slopes(signs: Signs) -> float:
    """Weigh what speaks against a candidate but for its slopes."""
    slopes = np.array([name.startswith("slope") for name in NAMES])
    return float(np.where(slopes, 0.0, signs.values) @ FIRST)
