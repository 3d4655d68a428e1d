"""Alerts on the data: labels, splits and how many samples there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from interp.types import Array
from interp.verdict.alerts.rule import Seen
from interp.verdict.alerts.scores import WIDE_GAP, score_on
from interp.verdict.evidence import Evidence

WIDE = 0.05
"""Largest half width of the 95 % interval of a score that is not said."""

FEW_ROWS = 200
"""Number of fitted training samples below which mixtures and kinds of nodes say little (see docs/boundaries.md)."""

SHARED = 0.01
"""Share of test samples that are in the training split too, from which it is said."""


def no_labels(found: Evidence) -> Iterator[Seen]:
    """Say which figure stands for the score where there are no labels."""
    if found.task.answers(found.data.train) is None:
        yield Seen("There are no labels: accuracy means agreement with the unperturbed predictions.")


def no_test_split(found: Evidence) -> Iterator[Seen]:
    """Say that all figures come from the samples that the results were fitted to."""
    if "test" not in found.data.splits:
        yield Seen("There is no test split: everything is measured on the data that was fitted.")


def small_sample(found: Evidence) -> Iterator[Seen]:
    """Say so where samples are too few for the score, or for the kinds of nodes."""
    if found.fitted < FEW_ROWS:
        yield Seen(f"{_how_many(found)}; kinds of nodes and mixtures say little below {FEW_ROWS:,}.")
    elif found.screened < FEW_ROWS:
        yield Seen(
            f"Of {found.fitted:,} training samples {found.screened:,} are held (--no-store); nodes that repeat others"
            f" are not named below {FEW_ROWS:,}."
        )
    split = "test" if "test" in found.data.splits else "train"
    score = score_on(found, split)
    name = found.task.score
    if score is not None and np.isnan(score.low):
        yield Seen(
            f"{score.samples:,} {split} samples are too few to say how exact the {name.words} is{_fall(found)}. No"
            " interval is given, since with so few none can be relied on."
        )
    elif score is not None and (score.high - score.low) / 2 > WIDE:
        yield Seen(
            f"{score.samples:,} {split} samples put the {name.words} between {name.shown(score.low)} and"
            f" {name.shown(score.high)} (95 % interval)."
        )


def _how_many(found: Evidence) -> str:
    """Say how many training samples there are, or of how many of them activations are stored."""
    if found.stored is None:
        return f"There are {found.fitted:,} training samples"
    return f"Activations of {found.stored:,} of {len(found.data.train):,} training samples are stored (--store)"


def _fall(found: Evidence) -> str:
    """Say that a fall of the score to the test samples, which has no interval either, may be chance or not."""
    scores, name = found.model.scores, found.task.score
    if not {"train", "test"} <= set(scores) or scores["train"] - scores["test"] <= WIDE_GAP:
        return ""
    fall = f"from {name.shown(scores['train'])} in training to {name.shown(scores['test'])}"
    return f", and whether its fall {fall} is chance"


def shared_samples(found: Evidence) -> Iterator[Seen]:
    """Say so where test samples stand in the training split too, value for value."""
    if "test" not in found.data.splits:
        return
    known = set(_digests(found.data.train.inputs))
    test = found.data.splits["test"].inputs
    shared = sum(digest in known for digest in _digests(test))
    if shared >= SHARED * len(test):
        yield Seen(f"{shared:,} of {len(test):,} test samples ({shared / len(test):.0%}) are training samples too.")


def _digests(inputs: Array) -> Iterator[bytes]:
    """Give a short digest of each row: sets of rows themselves would double the memory."""
    for row in inputs:
        yield hashlib.blake2b(row.tobytes(), digest_size=12).digest()
