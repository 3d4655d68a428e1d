"""What edits cost in the score of the task: counted rows, or sums of marks where rows are not simply right or wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from interp.analysis.statistics import mcnemar, mean_from_sums, paired_difference, wilson_interval
from interp.errors import DataError
from interp.interventions.edits import Edit
from interp.interventions.engine.counting import Tally, check_numbers, tally
from interp.interventions.engine.sites import open_site
from interp.interventions.engine.together import open_together, tally_together
from interp.network.inputs import outputs_on, shown_blocks
from interp.tasks.scorers import Judge, agreement_judge, judge_of, own_answers
from interp.tasks.tasks import COUNTED, R2, TASKS, answers
from interp.types import Array, LoadedModel, NodeLayer, Split


@dataclass(frozen=True)
class Measured:
    """The score of the task under each edit, (E,), beside that of the unperturbed network.

    Attributes
    ----------
    baseline
        Of the unperturbed network.
    score, low, high
        With its 95 % interval: Wilson's of a share; of R², the t interval of the rows' marks, with the spread of the
        targets taken as known.
    loss
        Mean loss a row; NaN where the network is compared with itself.
    difference, difference_low, difference_high
        To the baseline, paired by row.
    p_value
        McNemar's exact test of rows that are right or wrong, the paired t-test of marks.
    """

    samples: int
    baseline: float
    score: Array
    low: Array
    high: Array
    loss: Array
    difference: Array
    difference_low: Array
    difference_high: Array
    p_value: Array


class _Site(Protocol):
    def run(self, change: Any, /) -> Tensor:
        """Give the network's outputs under an edit, (B, C)."""


def measure(
    model: LoadedModel, layer: NodeLayer, edits: Sequence[Edit], split: Split, note: str = "", *, own: bool = False
) -> Measured:
    """Run every edit of one layer over a split and give what it does to the score.

    Parameters
    ----------
    own
        Compare with the network's own unperturbed outputs, as is done anyway where the split has no answers.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """
    if model.task in COUNTED:
        return counted(tally(model, layer, edits, Split(split.inputs, None) if own else split, note))
    return _marked(model, open_site(model, layer), Edit(), edits, split, note or layer.name, own)


def measure_together(model: LoadedModel, edits: Sequence[Mapping[str, Edit]], split: Split, note: str = "") -> Measured:
    """Do the same with edits of several layers at once, each a mapping of layer names to what is done to them."""
    if model.task in COUNTED:
        return counted(tally_together(model, edits, split, note))
    layers = {name: model.layer(name) for one in edits for name in one}
    return _marked(model, open_together(model, layers), {}, edits, split, note, False)


def counted(found: Tally) -> Measured:
    """Give counts as shares with their intervals and tests."""
    low, high = wilson_interval(found.hits, found.samples)
    return Measured(
        found.samples,
        found.baseline / found.samples,
        found.hits / found.samples,
        low,
        high,
        found.loss,
        *paired_difference(found.gained, found.lost, found.samples),
        mcnemar(found.gained, found.lost),
    )


# --------------------------------------------------------------------------- marks


@torch.no_grad()
def _marked(
    model: LoadedModel,
    opened: Callable[[Tensor], _Site],
    none: Any,
    edits: Sequence[Any],
    split: Split,
    note: str,
    own: bool,
) -> Measured:
    """Add up the rows' marks, their squares and their paired changes, the plain way: every edit is run."""
    if not len(split):
        raise DataError(note, found="no samples", expected="one or more", do="check the data")
    values, judge = _judge(model, split, own)
    sums, unknown = np.zeros((5, len(edits) + 1)), 0
    for rows, x in shown_blocks(model, split.inputs, note):
        site = opened(x)
        base = site.run(none).clone()
        unknown += int((~base.isfinite()).any(1).sum())
        known = own_answers(model.task, base, model.output) if values is None else torch.from_numpy(values[rows])
        first, _ = _marks(judge, base, known.to(x.device), model.output)
        for number, one in enumerate([none, *edits]):
            marks, losses = _marks(judge, site.run(one), known.to(x.device), model.output)
            change = marks - first
            parts = (marks, marks**2, change, change**2, losses)
            sums[:, number] += [float(part.sum()) for part in parts]
    check_numbers(note, unknown, len(split))
    if values is None:
        sums[4] = np.nan
    return _of_sums(sums, len(split), TASKS[model.task] == R2)


def _judge(model: LoadedModel, split: Split, own: bool) -> tuple[Array | None, Judge]:
    values = None if own else answers(model.task, split)
    if values is None:
        return None, agreement_judge(model.task, outputs_on(model, split.inputs).numpy())
    return values, judge_of(model.task, values, model.scaling)


def _marks(judge: Judge, outputs: Tensor, values: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """Mark rows in float64; one whose output is not a number is wrong."""
    marks, losses = judge(outputs, values, form)
    if marks.dtype == torch.bool:
        marks = marks & outputs.isfinite().all(1)
    return marks.double(), losses.double()


def _of_sums(sums: Array, samples: int, measured: bool) -> Measured:
    total, squares, change, changes, loss = sums
    if not measured:
        gained, lost = (changes + change) / 2, (changes - change) / 2  # marks are 0 or 1
        hits, kept = total.round().astype(np.int64), (gained.round().astype(np.int64), lost.round().astype(np.int64))
        none = np.empty(0, np.int64)
        counts = Tally(
            samples, int(hits[0]), hits[1:], kept[0][1:], kept[1][1:], loss[1:] / samples, loss[0] / samples, none, none
        )
        return counted(counts)
    score, low, high, _ = mean_from_sums(total[1:], squares[1:], samples)
    return Measured(
        samples,
        total[0] / samples,
        score,
        low,
        high,
        loss[1:] / samples,
        *mean_from_sums(change[1:], changes[1:], samples),
    )
