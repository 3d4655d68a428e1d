"""What is said of activations that were weighed: their share of the evidence, and what else is not excluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np

from interp.checkpoints.inference.candidates.by_layer import JOINT
from interp.checkpoints.inference.candidates.trial import Trial, by_merit
from interp.checkpoints.inference.explain import Fact, level
from interp.checkpoints.inference.weighing.signs import NAMES, Signs
from interp.checkpoints.inference.weighing.weigh import LIKELY, Weighed
from interp.tasks import find_task
from interp.types import Inference

COVERED = 0.995
"""Share of the evidence that the values named together have."""

KINDS = "errors, loss and its slope in the weights"
"""Words for what is weighed."""

SHARES = f"shares of the evidence, by {KINDS}: "
"""Words before values with their shares."""


STANDS = 0.05
"""Least share of the evidence with which ReLU stands where nothing is likely, since most published networks have it; or
one activation for all layers, as most have too."""

LOSS = NAMES.index("calibrated loss")
"""Place of the loss with outputs of the best size among the signs."""


def standing(weighed: Sequence[Weighed]) -> Signs:
    """Choose what is likely; else what is most usual of what the evidence does not exclude, and else what has the most.

    Most usual is ReLU, and then any one activation for all layers that has no larger loss than what has the most.
    """
    first = weighed[0]
    if first.share >= LIKELY:
        return first.signs
    left = [one for one in weighed if one.share >= STANDS]
    relu = [one for one in left if one.signs.trial.candidate.activation == "relu"]
    alone = [one for one in left if JOINT not in one.signs.trial.candidate.activation]
    no_worse = [one for one in alone if one.signs.values[LOSS] <= first.signs.values[LOSS]]
    return [*relu, *no_worse, first][0].signs


def explain_weighed(
    weighed: Sequence[Weighed], chosen: Trial, fact: Fact, task: str, least: float, is_told: bool = True
) -> Inference:
    """Name the value of a fact with its evidence and confidence.

    Parameters
    ----------
    weighed
        Candidates that differ in this fact alone, the likeliest first.
    chosen
        Trial of the candidate that stands.
    fact
        Function that reads the value of the fact off a candidate.
    task
        Name of the task, for `interp.tasks.find_task`.
    least
        Score below which the network does no better than chance, so that nothing is likely.
    is_told
        Whether the value may be called likely where its share says so.
    """
    score, value = find_task(task).score, fact(chosen.candidate)
    known = {fact(one.signs.trial.candidate): one.share for one in weighed}
    evidence = [f"{find_task(task).described(chosen.score)} on {len(chosen.per_sample):,} training rows"]
    rivals = [one.signs.trial for one in weighed if fact(one.signs.trial.candidate) != value]
    if rivals:
        rival = min(rivals, key=by_merit)
        evidence.append(f"best with another value: {fact(rival.candidate)} {score.shown(rival.score)}")
    evidence.append(f"{SHARES}{_shown(known)}")
    firm = is_told and bool(rivals) and known[value] >= LIKELY and chosen.score >= least
    return Inference(value, level(firm), "; ".join(evidence))


BETWEEN = " or "
"""What stands between values that are named together."""


def _shown(known: Mapping[str, float]) -> str:
    """Name values until they cover nearly all of the evidence."""
    covered = np.cumsum(list(known.values())) >= COVERED
    count = int(covered.argmax()) + 1 if covered.any() else len(known)
    shares = dict(islice(known.items(), count))
    return BETWEEN.join(f"{value} {share}%" for value, share in zip(shares, per_cent([*shares.values()]), strict=True))


def per_cent(shares: Sequence[float]) -> list[int]:
    """Round shares to per cents that add up as the shares do, by the largest remainders.

    Examples
    --------
    >>> per_cent([0.716, 0.235, 0.028, 0.011, 0.01])
    [72, 23, 3, 1, 1]
    """
    exact = 100 * np.asarray(shares, float)
    whole = np.floor(exact)
    left = round(float(exact.sum() - whole.sum()))
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return [int(share) for share in whole]


def named(said: Inference) -> list[str]:
    """List the values that the evidence of a fact names, the likeliest first; the value alone where none was weighed.

    Examples
    --------
    >>> named(Inference("relu", "uncertain", f"97% right; {SHARES}relu 61% or gelu 39%"))
    ['relu', 'gelu']
    """
    parts = [part.removeprefix(SHARES) for part in said.evidence.split("; ") if part.startswith(SHARES)]
    return [one.rpartition(" ")[0] for one in parts[0].split(BETWEEN)] if parts else [str(said.value)]
