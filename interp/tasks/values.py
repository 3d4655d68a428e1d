"""Regression and reconstruction: measured values, scored by R²."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from interp.tasks.doubts import doubt_values
from interp.tasks.scorers import all_explained, each_explained
from interp.tasks.simple_fits import least_squares
from interp.tasks.stand_ins import of_inputs, of_values
from interp.tasks.targets import SCALED, Seen, as_values, check_columns, check_reconstruction, inputs_of, targets_of
from interp.tasks.task import Score, Task
from interp.types import Array

R2 = Score("r2", "R²", share=False)


def of_mean(values: Array) -> float:
    """Give the R² of predicting the mean, which is 0 for all values."""
    return 0.0


def _as_they_are(outputs: Tensor, form: str) -> Tensor:
    return outputs


def _measured(seen: Seen) -> str:
    if seen.targets is not None:
        return f"targets are measured values, {seen.columns} a row" if seen.targets.dtype != np.uint8 else ""
    if seen.known > 2 and seen.outputs == 1:
        return f"labels are whole numbers up to {seen.known - 1}, and there is one output"
    return ""


def _reconstructed(seen: Seen) -> str:
    if seen.copied and seen.outputs == seen.width > 1:
        return f"targets are {seen.copied}, {seen.columns} a row"
    if seen.outputs != seen.width or seen.outputs == 1 or seen.outputs in (seen.columns, seen.known):
        return ""
    beside = f", not the {seen.known} classes of the labels" if seen.known else ""
    return f"as many outputs as inputs, {seen.outputs}{beside}"


REGRESSION = Task(
    name="regression",
    score=R2,
    answers=targets_of,
    scorer=lambda values, scaling: each_explained(values),
    own_answers=_as_they_are,
    own_scorer=each_explained,
    chance=of_mean,
    stand_ins=of_values,
    simple=least_squares,
    check=check_columns,
    from_labels=as_values,
    recognised=_measured,
    doubt=doubt_values,
    explained="the sum of the outputs",
    asked="predicting measured values",
)

AUTOENCODER = Task(
    name="autoencoder",
    score=R2,
    answers=inputs_of,
    scorer=all_explained,
    own_answers=_as_they_are,
    own_scorer=all_explained,
    chance=of_mean,
    stand_ins=of_inputs,
    narrowed=True,
    check=check_reconstruction,
    recognised=_reconstructed,
    takes_targets=lambda seen: seen.copied == SCALED,
    explained="the sum of the outputs",
    asked="giving its input back",
    described_targets="to be reconstructed",
)
