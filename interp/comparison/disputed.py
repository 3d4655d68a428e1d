"""The samples that networks disagree on, with what each predicts and what their inputs are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from interp.comparison.answers import Answers
from interp.comparison.members import Member
from interp.types import Array, Dataset, Split

MOST_DISPUTED = 24
"""Number of disputed samples that are shown."""

COLUMNS = 10
"""Number of columns of a table that are shown of them."""

VALUES = 24
"""Number of values that are shown of each part of an input with tokens."""

ROWS = 1_000
"""Number of samples that the mean and the standard deviation of a column are taken of, drawn at random."""

SEED = 0
"""Seed of the random number generator that draws these samples."""


def disputed_rows(
    members: Sequence[Member], answers: Sequence[Answers], labels: Array | None, most: int = MOST_DISPUTED
) -> pd.DataFrame:
    """Give the samples that networks disagree on most, one row each with every prediction.

    Parameters
    ----------
    members, answers
        Networks, and their answers on the compared split.
    labels
        Class of each sample (S,); None without classes.
    most
        Largest number of samples.
    """
    if any(found.predicted is None for found in answers):
        return pd.DataFrame()
    predictions = np.stack([np.asarray(found.predicted) for found in answers])
    different = np.array([len(np.unique(column)) for column in predictions.T])
    wrong = (predictions != labels).sum(axis=0) if labels is not None else np.zeros(predictions.shape[1], int)
    balance = -np.abs(2 * wrong - len(members))
    order = [place for place in np.lexsort((-balance, -different)) if different[place] > 1][:most]
    return pd.DataFrame(list(_disputed(members, predictions, labels, wrong, different, order)))


def _disputed(
    members: Sequence[Member],
    predictions: Array,
    labels: Array | None,
    wrong: Array,
    different: Array,
    order: Sequence[int],
) -> Iterator[dict[str, object]]:
    for place in order:
        yield {
            "sample": int(place),
            "label": None if labels is None else int(labels[place]),
            "wrong": int(wrong[place]),
            "predicted": int(different[place]),
            "predictions": {member.name: int(predictions[row, place]) for row, member in enumerate(members)},
        }


def with_inputs(disputed: pd.DataFrame, data: Dataset, split: Split) -> pd.DataFrame:
    """Add the inputs of disputed samples as stored, in the units of the data, where these are no images.

    Parameters
    ----------
    disputed
        Disputed samples, as `disputed_rows` gives them.
    data
        Data set that was compared on.
    split
        Split of it that was compared on.

    Returns
    -------
    DataFrame
        Disputed samples with ``inputs``: name of a column or part -> its value, or its first values; and
        ``inputs_left_out``: number of values of a sample that are not among them.
    """
    if disputed.empty or data.image_shape is not None:
        return disputed
    inputs = np.asarray(split.inputs[disputed["sample"].to_numpy(int)])
    if any(part.whole for part in data.parts):
        left = sum(max(part.width - VALUES, 0) for part in data.parts)
        return disputed.assign(inputs=list(_parts(data, inputs)), inputs_left_out=left)
    told = list(_columns(data, split, inputs))
    return disputed.assign(inputs=told, inputs_left_out=inputs.shape[1] - len(told[0]))


def _columns(data: Dataset, split: Split, inputs: Array) -> Iterator[dict[str, float]]:
    """Give the values of each sample in the columns in which the samples lie furthest from the mean of the split.

    Distances are in standard deviations of the column; of many samples, mean and deviation are those of `ROWS` of them,
    drawn at random, since samples may be sorted by class.
    """
    drawn = np.random.default_rng(SEED).choice(len(split), min(ROWS, len(split)), replace=False)
    rows = np.asarray(split.inputs[np.sort(drawn)], float)
    spread = rows.std(axis=0)
    far = np.abs(inputs - rows.mean(axis=0)).mean(axis=0) / np.where(spread > 0, spread, np.inf)
    chosen = np.sort(np.argsort(-np.nan_to_num(far), kind="stable")[:COLUMNS]).tolist()
    names = distinct([data.features[i] if i < len(data.features) else f"input {i}" for i in chosen])
    for row in inputs:
        yield {name: float(row[i]) for name, i in zip(names, chosen, strict=True)}


def _parts(data: Dataset, inputs: Array) -> Iterator[dict[str, list[float]]]:
    """Give the first values of each part of the inputs, tokens as whole numbers."""
    starts = np.cumsum([0, *(part.width for part in data.parts)]).tolist()
    names = distinct([part.name for part in data.parts])
    for row in inputs:
        yield {
            name: [int(value) if part.whole else float(value) for value in row[start : start + part.width][:VALUES]]
            for name, part, start in zip(names, data.parts, starts, strict=False)
        }


def distinct(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Tell names apart that are the same, or one of others that are taken, by a number after them.

    Parameters
    ----------
    names
        Names, in their order.
    taken
        Names that none of them may have.

    Examples
    --------
    >>> distinct(["age", "age", "label"], taken=["label"])
    ['age', 'age (2)', 'label (2)']
    """
    found: list[str] = []
    for name in names:
        number, own = 1, name
        while own in found or own in taken:
            number, own = number + 1, f"{name} ({number + 1})"
        found.append(own)
    return found
