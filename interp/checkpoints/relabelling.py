"""Draft -> Draft with the classes of its data in the order of the network's outputs, where no doubt is left of it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.drafts.draft import Draft, with_data_fact
from interp.checkpoints.drafts.labels import GIVEN
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.examine import drawn_weights
from interp.checkpoints.inference.fit import GUESSED
from interp.checkpoints.inference.label_order import IN_ANY_ORDER, Reordered, reorder
from interp.checkpoints.inference.trained import trained_from_weights
from interp.checkpoints.negatives import draft_in_light
from interp.errors import InterpError
from interp.network.inputs import block_of, channels_last, outputs_on
from interp.tasks import find_task, losses, predict
from interp.types import Array, Inference

GOOD = 0.95
"""Score from which on classes are not looked at: two of 40 in each other's place would cost as much."""

POOR = 0.5
"""Score up to which the way in which a network is read is doubted too."""

TIMES = 3
"""Largest number of times that a network is drafted anew, each with the order that the one before gives."""

ROWS, ROWS_A_CLASS = 2000, 40
"""Number of training rows that are looked at: so many, and for many classes so many of each."""


class Seen(NamedTuple):
    """Predictions of a network on some training rows.

    Attributes
    ----------
    rows
        Indices of the rows, (S,).
    labels
        Labels of the data that it runs on, (S,).
    outputs
        Outputs of the network, (S, C).
    predicted
        Predicted outputs, (S,).
    """

    rows: Array
    labels: Array
    outputs: Tensor
    predicted: Array


def draft_in_order(asked: Request) -> Draft:
    """Draft a network on its data, with their classes in the order of its outputs where no doubt is left of it.

    A network that is poor with the labels as given is looked at again with those in the best order, since facts that
    are inferred from its score were inferred from wrong labels.

    Parameters
    ----------
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    """
    found = draft_in_light(asked)
    seen = _seen(found) if asked.options.label_order is None else None
    if seen is None or (seen.predicted == seen.labels).mean() >= GOOD:
        return found
    order = _first_order(found, asked, seen)
    if order is None:
        return found
    again, order = _redrafted(asked, seen, order)
    if not order.is_better:  # with the network that was found under it
        return found
    if again is None:
        return with_data_fact(
            found, "label_order", Inference(GIVEN, "uncertain", f"{_said(order)}; not put right: no network is read so")
        )
    if not order.is_certain:
        why = f"{_said(order)}; not put right, as {'; '.join(order.doubts)}"
        return with_data_fact(
            found, "label_order", Inference(GIVEN, "uncertain", f"{why}; --label-order {order.text} does so")
        )
    why = f"{_said(order)}; put right here, and left as given with --label-order {GIVEN}"
    return with_data_fact(again, "label_order", Inference(order.text, "likely", why))


def _first_order(found: Draft, asked: Request, seen: Seen) -> Reordered | None:
    """Look for a better order with the network as it was read, else as it is read where the order counts for nothing.

    What was inferred from how the network does with wrong labels, such as the scaling of inputs, is wrong too.
    """
    order = _reorder(seen, seen, found)
    if order.is_better:
        return order
    is_guessed = any(name in GUESSED and fact.confidence != "certain" for name, fact in found.facts.items())
    if not is_guessed or order.before > POOR or asked.options.task is not None or _may_be_untrained(found):
        return None
    try:
        other = draft_in_light(replace(asked, options=replace(asked.options, task=IN_ANY_ORDER)))
    except InterpError:
        return None
    order = _reorder(seen, _run(other, seen.rows), other)
    return order if order.is_better else None


def _may_be_untrained(found: Draft) -> bool:
    return trained_from_weights(drawn_weights(found)).value is False


def _redrafted(asked: Request, seen: Seen, order: Reordered) -> tuple[Draft | None, Reordered]:
    """Draft with labels in an order, and look for the order anew with the network that is found so; twice at most."""
    for _ in range(TIMES):
        try:
            again = draft_in_light(replace(asked, options=replace(asked.options, label_order=order.text)))
        except InterpError:
            return None, order
        if (now := _seen(again)) is None:
            return None, order
        found = _reorder(seen, now, again)
        if found.order == order.order:
            return again, found
        order = found
    return None, order


def _seen(found: Draft) -> Seen | None:
    """Run a network on some training rows; None where its outputs are not one for each of two classes or more."""
    data = found.data
    if data is None or not find_task(found.task).counted or data.train.labels is None:
        return None
    count, classes = len(data.train), found.structure.outputs.shape[1]
    if classes < 2 or int(data.train.labels.max()) != classes - 1:
        return None
    return _run(found, np.sort(np.random.default_rng(0).permutation(count)[: max(ROWS, ROWS_A_CLASS * classes)]))


def _run(found: Draft, rows: Array) -> Seen:
    data = found.data
    assert data is not None
    assert data.train.labels is not None
    fast, size = replace(found, module=channels_last(found.module)), block_of(found)
    with torch.no_grad():
        outputs = outputs_on(fast, data.train.inputs[rows], size).cpu()
    return Seen(rows, data.train.labels[rows], outputs, predict(outputs, found.structure.output).numpy())


def _reorder(given: Seen, now: Seen, found: Draft) -> Reordered:
    """Find the order of the labels as given under which a network, which may be read otherwise than before, is best."""

    def loss(answers: Array) -> Array:
        per_row: Array = losses(now.outputs, torch.from_numpy(answers), found.structure.output).double().numpy()
        return per_row

    return reorder(given.labels, now.predicted, given.predicted, loss, now.outputs.shape[1])


def _said(order: Reordered) -> str:
    moved = [f"{label} is output {place}" for label, place in enumerate(order.order) if label != place]
    shown = ", ".join(moved[:12]) + (f" and {len(moved) - 12} more" if len(moved) > 12 else "")
    return (
        f"{order.before:.1%} of {order.rows:,} held-out training rows are right with the labels as given,"
        f" {order.after:.1%} with the classes in another order, which as many other rows chose"
        f" (p {order.p_value:.1g}): label {shown}"
    )
