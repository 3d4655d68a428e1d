"""Results are shown in one short line."""

from dataclasses import dataclass, is_dataclass

import numpy as np
import pandas as pd
import pytest

import interp.types
from interp.types import InputPart, Split
from interp.types.shown import LONGEST, ShortRepr, short_repr

RESULTS = [kind for name in interp.types.__all__ if is_dataclass(kind := getattr(interp.types, name))]


@dataclass(frozen=True, repr=False)
class Some(ShortRepr):
    first: object
    second: object = None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros((1000, 50)), "float64[1000, 50]"),
        (np.array(["dead", "coherent"]), "str[2]"),
        (np.float32(0.5), "0.5"),
        (np.array(2), "2"),
        ("x" * 1000, "'" + 45 * "x" + "...'"),
        (pd.DataFrame({"a": range(3)}), "DataFrame[3, 1]"),
        ({"train": 0.5, "test": np.zeros(3)}, "{train: 0.5, test: float64[3]}"),
        ({str(i): "long" for i in range(100)}, "{0, 1, 2, 3, ... 100 in all}"),
        ((3,), "(3,)"),
        ((Some(1), InputPart("image", (3,))), "(Some(...), InputPart(image))"),
        (object(), "<object>"),
    ],
)
def test_a_field(value, shown):
    assert repr(Some(value)) == f"Some(first={shown}, second=None)"


def test_a_line_ends_in_time():
    many = Some({"k" * 1000: "v"}, tuple("x" * 1000 for _ in range(9)))
    assert len(repr(many)) <= LONGEST
    assert short_repr(Some(1)) == repr(Some(1))
    assert repr(Split(np.zeros((3, 2)), None)) == "Split(inputs=float64[3, 2], labels=None, targets=None, lengths=None)"


@pytest.mark.parametrize("kind", [kind for kind in RESULTS if kind is not InputPart])
def test_every_result_is_shown_so(kind):
    assert kind.__repr__ is ShortRepr.__repr__
