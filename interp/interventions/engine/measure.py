"""What edits cost in the score of the task, with intervals and paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interp.analysis import (
    explained_change,
    explained_interval,
    mcnemar,
    mean_from_sums,
    paired_difference,
    share_interval,
)
from interp.interventions.edits import Edit
from interp.interventions.engine.answers import ByClass, ByScorer, Scoring
from interp.interventions.engine.sites import JointEdit, find_site
from interp.interventions.engine.sums import (
    CHANGE,
    CHANGE_SPREAD,
    CHANGE_SQUARE,
    SCORE,
    SCORE_SPREAD,
    SPREAD,
    SPREAD_SQUARE,
    SQUARE,
    Sums,
    sum_outcomes,
)
from interp.interventions.engine.tally import Tally, named_layers, of_layer, tally_of
from interp.network.inputs import outputs_on
from interp.tasks import find_task
from interp.types import Array, LoadedModel, NodeLayer, Split


@dataclass(frozen=True)
class Measured:
    """Score of the task under each of E edits, beside that of the unperturbed network.

    Attributes
    ----------
    samples
        Number of samples.
    baseline
        Score of the unperturbed network.
    score
        Score under each edit, (E,).
    low, high
        Ends of its 95 % interval, (E,): of a share, `share_interval`; of R², `explained_interval`; the t interval of
        other per-sample scores.
    loss
        Mean loss of a sample, (E,); NaN where the network is compared with itself.
    difference
        Score less the baseline, (E,).
    difference_low, difference_high
        Ends of its 95 % interval, paired by sample, (E,): of a share, `paired_difference`; of R², `explained_change`.
    p_value
        Two-sided p-value of the difference, (E,): McNemar's exact test of samples that are right or wrong, the paired
        t-test of per-sample scores.
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


def measure(
    model: LoadedModel, layer: NodeLayer, edits: Sequence[Edit], split: Split, note: str = "", *, own: bool = False
) -> Measured:
    """Measure the score of the task under every edit of one layer.

    Parameters
    ----------
    model
        Network of any task.
    layer
        Layer that is edited.
    edits
        Edits, each made alone.
    split
        Samples to score.
    note
        Description of the progress bar; by default the layer's name.
    own
        Whether to compare with the network's own unperturbed outputs, as is done anyway where the split has no
        answers.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """
    return _measured(model, {layer.name: layer}, of_layer(layer, edits), split, note, own)


def measure_together(model: LoadedModel, edits: Sequence[JointEdit], split: Split, note: str = "") -> Measured:
    """Measure the score of the task under combinations of edits of several layers.

    Parameters
    ----------
    model
        Network of any task.
    edits
        Layer name -> edit of that layer, for each combination; layers in any order.
    split
        Samples to score.
    note
        Description of the progress bar; by default the layers' names.

    Raises
    ------
    UsageError
        If a layer does not exist.
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """
    return _measured(model, named_layers(model, edits), edits, split, note, own=False)


def _measured(
    model: LoadedModel,
    layers: Mapping[str, NodeLayer],
    edits: Sequence[JointEdit],
    split: Split,
    note: str,
    own: bool,
) -> Measured:
    sums = sum_outcomes(model, find_site(model, layers), edits, split.inputs, _scoring(model, split, own), note)
    return counted(tally_of(sums)) if sums.counted else _of_scores(sums)


def _scoring(model: LoadedModel, split: Split, own: bool) -> Scoring:
    """Choose what samples are scored against: their answers, or the network's own unperturbed outputs."""
    task = find_task(model.task)
    if task.counted:
        return ByClass(None if own else split.labels, model.output, losses=True)
    values = None if own else task.answers(split)
    if values is None:
        scorer = task.own_scorer(outputs_on(model, split.inputs).numpy())
    else:
        scorer = task.scorer_of(split, values, model.scaling)
    return ByScorer(scorer, values, task, model.output)


def counted(found: Tally) -> Measured:
    """Give counts as shares with their intervals and tests."""
    low, high = share_interval(found.hits, found.samples)
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


def _of_scores(sums: Sums) -> Measured:
    """Give means of per-sample scores with their intervals and tests."""
    rows, count = sums.by_edit, sums.samples
    score, low, high, _ = mean_from_sums(rows[SCORE], rows[SQUARE], count)
    change, change_low, change_high, p_value = mean_from_sums(rows[CHANGE], rows[CHANGE_SQUARE], count)
    if rows[SPREAD].any():
        low, high = _of_explained(rows, count)
        change_low, change_high = explained_change(
            rows[CHANGE], rows[SPREAD], rows[CHANGE_SQUARE], rows[SPREAD_SQUARE], rows[CHANGE_SPREAD], count
        )
    return Measured(
        count,
        sums.unperturbed / count,
        score,
        low,
        high,
        sums.loss / count,
        change,
        change_low,
        change_high,
        p_value,
    )


def _of_explained(rows: Array, count: int) -> tuple[Array, Array]:
    """Give the intervals of R², whose per-sample scores are 1 - error."""
    error, square = count - rows[SCORE], count - 2 * rows[SCORE] + rows[SQUARE]
    product = rows[SPREAD] - rows[SCORE_SPREAD]
    return explained_interval(error, rows[SPREAD], square, rows[SPREAD_SQUARE], product, count)
