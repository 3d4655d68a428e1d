from dataclasses import fields, is_dataclass

import h5py
import numpy as np
import pandas as pd
import pytest
from store.golden import PROVENANCE, RESULTS, RESULTS_2, RESULTS_5, RESULTS_6
from verdict.profiles import profile

from interp.store.elements import CLASSES, read_element, write_element
from interp.types import Screening, Thresholds
from interp.verdict.reading.read import not_read


def same(found, expected):
    """Compare to the last bit, with types, shapes and the order of mappings."""
    if is_dataclass(expected):
        assert type(found) is type(expected)
        for part in fields(expected):
            same(getattr(found, part.name), getattr(expected, part.name))
    elif isinstance(expected, pd.DataFrame):
        assert list(found.columns) == list(expected.columns)
        assert len(found) == len(expected)
        for column in expected.columns if len(expected) else ():
            same(found[column].to_numpy(), expected[column].to_numpy())
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            same(found[key], value)
    elif isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif isinstance(expected, np.ndarray):
        if expected.dtype.kind not in "UO":
            assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, strict=expected.dtype.kind not in "UO")
    else:
        assert found == expected or (found != found and expected != expected)
        assert type(found) is type(expected)


def round_trip(tmp_path, value):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write_element(file, "x", value)
    with h5py.File(tmp_path / "x.h5", "r") as file:
        return read_element(file["x"])


@pytest.mark.parametrize("stem", RESULTS)
def test_every_result_comes_back_to_the_last_bit(tmp_path, stem):
    results = RESULTS[stem][1]
    same(round_trip(tmp_path, results), results)


def test_reading_profiles_come_back_to_the_last_bit(tmp_path):
    results = {"fc1": profile("distances"), "fc2": not_read("too much work")}
    same(round_trip(tmp_path, results), results)


def test_screenings_come_back_to_the_last_bit(tmp_path):
    results = {"fc1": Screening(90, np.array([1, -1]), np.array([0.5, np.nan]), np.array([0.0, 1.0]))}
    same(round_trip(tmp_path, results), results)


def test_the_cases_above_cover_every_class_that_may_stand_in_a_file():
    seen = set()

    def collect(value):
        if is_dataclass(value):
            seen.add(type(value).__name__)
            for part in fields(value):
                collect(getattr(value, part.name))
        elif isinstance(value, (dict, tuple)):
            for part in value.values() if isinstance(value, dict) else value:
                collect(part)

    collect({stem: results for stem, (_, results) in (RESULTS | RESULTS_2 | RESULTS_5 | RESULTS_6).items()})
    assert seen | {"Provenance", "NodeLayer", "ReadingProfile", "Screening"} == set(CLASSES)


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1.5) * np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
        np.array(3.25),
        np.empty((0, 4)),
        np.array([True, False]),
        np.array([2**62, -1]),
        np.array(["", "größe", "a\nb"]),
        {},
        {"a": {}, "b": [1, None, "x", True, 0.1]},
        {"a/b": np.ones(2), ".": np.zeros(1), "..": np.zeros(2), "": np.ones(1), "50 %": np.ones(3), "%00": np.ones(4)},
        {"layers.0": {"deep": {"deeper": np.arange(3)}}, "note": "plain beside arrays"},
        (),
        (np.ones(2), {"a": np.ones(1)}, 3),
        tuple(np.array([i]) for i in range(12)),
        Thresholds(),
        float("inf"),
        "one line\nand another",
        None,
    ],
)
def test_values_come_back(tmp_path, value):
    same(round_trip(tmp_path, value), [] if isinstance(value, tuple) and not value else value)


def test_provenance_comes_back_equal(tmp_path):
    assert round_trip(tmp_path, PROVENANCE) == PROVENANCE


def test_columns_keep_their_order_and_types(tmp_path):
    frame = pd.DataFrame({"b": [1, 2], "a": ["x", "y"], "c": [np.nan, 0.5], "d": [True, False]})
    found = round_trip(tmp_path, frame)
    pd.testing.assert_frame_equal(found, frame)
