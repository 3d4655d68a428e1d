"""Whether a network's mistakes are those of classes in another order: the order, and how sure it is.

The order is the assignment of outputs to labels under which most rows are right (Kuhn 1955); half of the rows choose
it, the other half say how good it is. An order that is put right without being asked for must leave no other
explanation: a swap of two classes may be what the network learned, and where there are few classes a network that was
trained on something else may give each an output of its own by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy
import torch
from torch import Tensor

from interp.analysis import mcnemar
from interp.tasks import CLASSIFICATION, predict
from interp.tasks.scorers import score_classes
from interp.types import Array

SETTLES = 0.5
"""Least share of the way from chance to perfection that another order of the classes must reach."""

FAR, GAINED = 0.8, 0.3
"""Least share of that way that an order reaches, and that it gains, unless the classes that it moves go one to one."""

SIGNIFICANT = 1e-3
"""Largest p-value of McNemar's test of the two orders on held-out rows."""

LOST = 0.15
"""Largest share of that way which the labels reach as given where an order is certain."""

MOVED, CLASSES = 3, 8
"""Least number of classes that a certain order moves, and that it is of: C groups that each go to one of C outputs at
random go to C different ones with probability C! / C^C, 0.2 % for 8."""

UNSURE = 0.5
"""Largest mean loss, over that of equal probabilities, under a certain order; of random weights it is about 1."""


@dataclass(frozen=True)
class Reordered:
    """Another order of the classes, and how the network does with it on rows that did not choose it.

    Attributes
    ----------
    order
        Output of each label, (C,), each once.
    before, after
        Share of the held-out rows that are right with the labels as given, and in this order.
    chance
        Share of these rows that are of the commonest label.
    rows
        Number of held-out rows.
    p_value
        P-value of McNemar's exact test that the two orders are right as often.
    one_to_one
        Whether every label that is moved has its output on most of its held-out rows, at 95 % confidence.
    doubts
        Reasons for which the order is not certain, in words; none where it is.
    """

    order: tuple[int, ...]
    before: float
    after: float
    chance: float
    rows: int
    p_value: float
    one_to_one: bool
    doubts: tuple[str, ...]

    @property
    def is_better(self) -> bool:
        """Whether the network is good in this order, and clearly better than with the labels as given."""
        before, after = (_skill(share, self.chance) for share in (self.before, self.after))
        is_clear = self.one_to_one or (after >= FAR and after - before >= GAINED)
        return after >= SETTLES and self.p_value < SIGNIFICANT and is_clear

    @property
    def is_certain(self) -> bool:
        """Whether nothing but another order explains the network's mistakes."""
        return self.is_better and not self.doubts

    @property
    def text(self) -> str:
        """Order as ``--label-order`` takes it."""
        return ",".join(map(str, self.order))


def best_order(counts: Array) -> Array:
    """Give the output that stands for each label so that most samples are right.

    Parameters
    ----------
    counts
        Number of samples of each label (rows) and prediction (columns), (C, C).

    Returns
    -------
    Array
        Output of each label (C,), each once; its own where it makes no difference.

    Examples
    --------
    >>> best_order(np.array([[0, 9, 0], [8, 1, 0], [0, 0, 0]])).tolist()
    [1, 0, 2]
    """
    own = 0.5 * np.eye(len(counts))  # of equally good orders, the one that moves least
    return np.asarray(scipy.optimize.linear_sum_assignment(-(counts + own))[1])


def reorder(
    labels: Array, predicted: Array, given: Array, losses: Callable[[Array], Array], classes: int, seed: int = 0
) -> Reordered:
    """Find the order on one half of some rows, and measure it on the other.

    Parameters
    ----------
    labels
        Labels as given, (S,), from 0 to C - 1.
    predicted
        Outputs that the network predicts, (S,); negative for none.
    given
        Predictions, (S,), that are compared with the labels as given.
    losses
        Function of one class for each row, (S,), that gives the cross-entropy of each row in nats, (S,).
    classes
        Number of classes, C.
    seed
        Seed of the halves.

    Examples
    --------
    >>> labels = np.arange(800) % 8
    >>> predicted = (labels + 2) % 8
    >>> found = reorder(labels, predicted, predicted, lambda answers: np.where(answers == predicted, 0.1, 3.0), 8)
    >>> found.text, found.after, found.is_certain
    ('2,3,4,5,6,7,0,1', 1.0, True)
    """
    rows = np.random.default_rng(seed).permutation(len(labels))
    choosing, held_out = np.array_split(rows, 2)
    order = best_order(_counts(labels[choosing], predicted[choosing], classes))
    own = labels[held_out]
    right, was_right = predicted[held_out] == order[own], given[held_out] == own
    gained, lost = int((right & ~was_right).sum()), int((was_right & ~right).sum())
    moved = np.flatnonzero(order != np.arange(classes))
    totals = np.bincount(own, minlength=classes)
    hits = np.bincount(own[right], minlength=classes)
    least = _least(hits, np.maximum(totals, 1))
    found = Reordered(
        order=tuple(order.tolist()),
        before=float(was_right.mean()),
        after=float(right.mean()),
        chance=float(totals.max() / max(totals.sum(), 1)),
        rows=len(held_out),
        p_value=float(mcnemar(gained, lost)) if gained > lost else 1.0,
        one_to_one=bool(len(moved) and (least[moved] > 0.5).all()),
        doubts=(),
    )
    unsure = float(losses(order[labels])[held_out].mean() / np.log(classes))
    return _with_doubts(found, len(moved), bool((least > 0.5).all()), unsure)


def _with_doubts(found: Reordered, moved: int, all_mapped: bool, unsure: float) -> Reordered:
    """Say what keeps an order from being certain."""
    reasons = {
        f"it moves {moved} of {len(found.order)} classes, which the network may have learned so": moved < MOVED,
        f"with {len(found.order)} classes chance may do as much": moved >= MOVED and len(found.order) < CLASSES,
        f"{found.before:.1%} are right as given, which is more than chance": _skill(found.before, found.chance) > LOST,
        "not every class goes to one output by far": not all_mapped or _skill(found.after, found.chance) < FAR,
        f"its outputs are unsure, with {unsure:.0%} of the loss of equal ones": not unsure <= UNSURE,
    }
    return replace(found, doubts=tuple(reason for reason, holds in reasons.items() if holds))


def _least(hits: Array, totals: Array) -> Array:
    """Give the lower ends of the 95 % intervals of shares of any number of rows (Agresti and Coull 1998)."""
    square = scipy.stats.norm.ppf(0.975) ** 2
    trials = totals + square
    share = (hits + square / 2) / trials
    return np.asarray(share - np.sqrt(square * share * (1 - share) / trials))


def _counts(labels: Array, predicted: Array, classes: int) -> Array:
    """Count predictions (columns) by label (rows), (C, C)."""
    known = predicted >= 0
    found = np.zeros((classes, classes), np.int64)
    np.add.at(found, (labels[known], predicted[known]), 1)
    return found


def _score_in_any_order(outputs: Tensor, labels: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """Score rows with the labels in whichever order makes most of them right."""
    counts = _counts(labels.numpy(), predict(outputs, form).numpy(), outputs.shape[1])
    order = torch.from_numpy(best_order(counts))
    return score_classes(outputs, order[labels], form)


IN_ANY_ORDER = f"{__name__}:ANY_ORDER"
"""Name by which the task is found."""

ANY_ORDER = replace(
    CLASSIFICATION, name=IN_ANY_ORDER, scorer=lambda labels, scaling: _score_in_any_order, counted=False
)
"""Classification with the classes in any order: how a network does where the labels are not to be trusted."""


def _skill(share: float, chance: float) -> float:
    """Give the position of a share between chance (0) and perfection (1)."""
    return (share - chance) / max(1 - chance, 1e-12)
