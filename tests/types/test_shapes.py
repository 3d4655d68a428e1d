"""Shapes stand once, on the fields: nothing else may say them, and what says them is held to them."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, get_args, get_origin

import pandas as pd
import pytest

from interp import types
from interp.types.annotations.fields import field_types
from interp.types.annotations.shapes import AXES, Columns, Shape

CLASSES = [cls for cls in vars(types).values() if isinstance(cls, type) and is_dataclass(cls)]
FLOW = (
    types.Attribution,
    types.Boundaries,
    types.ClusterMatch,
    types.Effects,
    types.GaussianFit,
    types.Prototypes,
    types.RunEffects,
)
"""What stages write to files."""


def said(expected):
    """Yield every type without one of ours around it, with what is said of it."""
    if get_origin(expected) is Annotated:
        yield from ((get_args(expected)[0], note) for note in get_args(expected)[1:])
    elif get_args(expected) and get_origin(expected) is not type(None):
        for part in get_args(expected):
            yield from said(part)
    else:
        yield expected, None


@pytest.mark.parametrize("cls", FLOW)
def test_every_array_of_a_result_has_a_shape(cls):
    for name, expected in field_types(cls).items():
        for inner, note in said(expected):
            if inner in (types.Array, types.Rows) or get_origin(inner) is get_origin(types.Array):
                assert isinstance(note, Shape), name


def test_unknown_letters_are_refused():
    with pytest.raises(ValueError, match="unknown axes X; known are S, L, "):
        Shape("N X")
    assert Shape("2 N").axes.split() == ["2", "N"]
    assert all(len(letter) == 1 for letter in AXES)


def test_columns_are_named_in_one_order():
    assert Columns("a b", "c").names == ("a", "b", "c")


@pytest.mark.parametrize("cls", CLASSES)
def test_docstrings_do_not_repeat_the_shapes(cls):
    """What stands twice comes to differ: a shape in the prose of a field that has one on it."""
    shaped = {name for name, expected in _field_types(cls).items() if any(note for _, note in said(expected))}
    prose = re.findall(r"^    (\w+(?:, \w+)*)\n((?:        .*\n|\n)+)", cls.__doc__ or "", re.M)
    for names, text in prose:
        if shaped & set(names.split(", ")):
            assert not re.search(r"\((?:[A-Z]\d?|[a-z]|\d)(?:, ?[A-Z]\d?|, ?\w)*,?\)", text), names


def _field_types(cls):
    return field_types(cls) if cls.__name__ != "LoadedModel" else {}


def test_types_of_fields_are_read_with_what_is_said_of_them():
    found = field_types(types.Boundaries)
    assert list(found) == [field.name for field in fields(types.Boundaries)]
    assert get_origin(found["null_share"]) is Mapping
    assert list(said(found["null_share"]))[1][1] == Shape("E")
    assert next(said(field_types(types.RunEffects)["networks"]))[0] is pd.DataFrame
