"""Sums of outcomes over the samples of a split: what every score, interval and test of an edit is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.interventions.engine.answers import ClassAnswers, ScorerAnswers, Scoring
from interp.interventions.engine.blocks import Block
from interp.interventions.engine.executor import check_numbers, run_edits
from interp.interventions.engine.outcomes import Outcomes
from interp.interventions.engine.sites import JointEdit, Site
from interp.tasks.scorers import Explained
from interp.types import Array, LoadedModel

RIGHT, GAINED, CLASSES = 0, 1, 2
"""Rows of `Sums.by_edit` where samples are right or wrong: all right ones, those of them that are wrong without the
edit, and from `CLASSES` on those of each class."""

SCORE, SQUARE, CHANGE, CHANGE_SQUARE, SPREAD, SPREAD_SQUARE, SCORE_SPREAD, CHANGE_SPREAD = range(8)
"""Rows of `Sums.by_edit` where samples have scores: scores, their squares, and paired changes with their squares; what
the samples' answers add to the spread that is explained, its squares, and its products with scores and changes."""


@dataclass(frozen=True)
class Sums:
    """Sums over the samples of one split.

    Attributes
    ----------
    samples
        Number of samples.
    counted
        Whether samples are right or wrong, or else have scores that are numbers.
    unperturbed
        Sum of the per-sample scores of the unperturbed network.
    unperturbed_loss
        Sum of the losses of the unperturbed network.
    class_samples
        Number of samples of each class that is counted apart, (C,).
    by_edit
        Sums under each edit, (K, E): rows `RIGHT`, `GAINED` and one for each class, or `SCORE` to `CHANGE_SPREAD`.
    loss
        Sum of the losses under each edit, (E,).
    """

    samples: int
    counted: bool
    unperturbed: float
    unperturbed_loss: float
    class_samples: Array
    by_edit: Array
    loss: Array


class _Part(NamedTuple):
    """Sums over one block: the unperturbed score, loss, unknown rows and class sizes; then some edits at a time."""

    counted: bool
    unperturbed: Array
    edits: list[tuple[Sequence[int], Array, Array]]


def sum_outcomes(
    model: LoadedModel,
    site: Site,
    edits: Sequence[JointEdit],
    inputs: Array,
    scoring: Scoring,
    note: str = "",
    classes: int = 0,
) -> Sums:
    """Run every edit of a site over some inputs and add up the outcomes.

    Parameters
    ----------
    model, site, edits, inputs, scoring, note
        Arguments of `run_edits`.
    classes
        Number of classes to count apart, labels 0 to classes - 1; 0 counts all together.

    Raises
    ------
    DataError
        If there are no inputs, or the unperturbed network's outputs are not numbers.
    """
    first = np.zeros(3 + classes)
    sums, loss = np.zeros((0, len(edits))), np.zeros(len(edits))
    counted = False
    for part in run_edits(model, site, edits, inputs, scoring, partial(_part, classes=classes), note):
        counted = part.counted
        sums = sums if len(sums) else np.zeros((2 + classes if counted else CHANGE_SPREAD + 1, len(edits)))
        first += part.unperturbed
        for some, added, losses in part.edits:
            sums[:, some] += added
            loss[some] += losses
    score, total, unknown = first[:3]
    check_numbers(site.name, int(unknown), len(inputs))
    return Sums(len(inputs), counted, float(score), float(total), first[3:].astype(np.int64), sums, loss)


def _part(block: Block, outcomes: Iterable[Outcomes], classes: int) -> _Part:
    counted = block.scores.dtype == torch.bool
    weights = _weights(block, classes) if counted else block.scores[:0]
    add = partial(_count, weights) if counted else partial(_add_scores, block.scores, _spread(block))
    edits = [(some, add(scores).cpu().numpy(), loss.numpy()) for some, scores, loss in outcomes]
    first = [float(block.scores.sum()), float(block.loss), block.unknown, *weights[2:].sum(1).tolist()]
    return _Part(counted, np.array(first), edits)


def _weights(block: Block, classes: int) -> Tensor:
    """Tell which rows are counted: all, those wrong without an edit, and each class's, (2 + C, B) zeros and ones.

    Products with it are exact, since a block has fewer rows than float32 can count.
    """
    kept = [torch.ones_like(block.scores), ~block.scores]
    if classes:
        assert isinstance(block.answers, ClassAnswers)
        kept.append(block.answers.labels == torch.arange(classes, device=block.scores.device)[:, None])
    return torch.cat(kept).to(torch.float32)


def _count(weights: Tensor, right: Tensor) -> Tensor:
    return weights @ right.float().T


def _spread(block: Block) -> Tensor:
    """Give what each row adds to the spread of the answers, (B,); nothing where the score is no share of a spread."""
    answers = block.answers
    if isinstance(answers, ScorerAnswers) and isinstance(answers.scorer, Explained):
        return answers.scorer.spread(answers.values)
    return torch.zeros_like(block.scores[0])


def _add_scores(unperturbed: Tensor, spread: Tensor, scores: Tensor) -> Tensor:
    """Add up scores (E, B), their changes from the unperturbed ones (1, B) and the spread (B,), (8, E)."""
    change = scores - unperturbed
    plain = [each.sum(1) for each in (scores, scores**2, change, change**2)]
    own = [each.sum().expand(len(scores)) for each in (spread, spread**2)]
    return torch.stack([*plain, *own, scores @ spread, change @ spread])
