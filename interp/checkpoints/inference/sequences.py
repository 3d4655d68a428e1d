"""Rows of a data set as the sequences that a network reads: tokens or numbers at each step, with lengths."""

from __future__ import annotations

from torch import Tensor

from interp.types import Dataset


def inputs_of(x: Tensor, data: Dataset, of_tokens: bool, steps: int) -> tuple[Tensor, Tensor | None]:
    """Part rows into sequences, (S, T) tokens or (S, T, F) numbers, and lengths (S,); None where nothing is padding.

    Parameters
    ----------
    x
        Scaled rows (S, D), with the length of each in the last column where the data have lengths.
    data
        Data set that they are of.
    of_tokens
        Whether steps are tokens.
    steps
        Number of steps, T.
    """
    lengths = x[:, -1].round().long() if data.steps is not None else None
    values = x if lengths is None else x[:, :-1]
    return (values.round().long() if of_tokens else values.reshape(len(x), steps, -1)), lengths
