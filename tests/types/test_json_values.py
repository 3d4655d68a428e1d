import json
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest

from interp.types import Thresholds, as_json


def test_results_of_all_kinds_become_json_values():
    found = as_json({1: np.float32(0.5), "b": (np.int64(3), [np.bool_(True)]), "c": Thresholds(), "d": {"one"}})
    assert found == {"1": 0.5, "b": [3, [True]], "c": {**vars(Thresholds())}, "d": ["one"]}
    assert type(found["b"][0]) is int
    assert type(found["b"][1][0]) is bool


def test_tables_become_rows_and_arrays_lists():
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})
    assert as_json(frame) == [{"a": 1.0, "b": "x"}, {"a": None, "b": None}]
    assert as_json(np.array([[1, 2]])) == [[1, 2]]


@dataclass
class Foreign:
    when: object


def test_what_other_programs_read_is_strictly_valid():
    """Numbers that JSON lacks, text that is no UTF-8, and what no JSON value stands for."""
    odd = {"nan": float("nan"), "far": np.float64("-inf"), "name\udcff": "file\udcff", "path": PurePosixPath("a/b")}
    found = as_json({**odd, "missing": pd.NaT, "inner": Foreign(complex(1, 2))})
    assert json.loads(json.dumps(found, allow_nan=False, ensure_ascii=False).encode()) == {
        "nan": None, "far": None, "name?": "file?", "path": "a/b", "missing": None, "inner": {"when": "(1+2j)"},
    }  # fmt: skip


def test_what_this_program_reads_back_is_kept_or_refused():
    value = {"nan": float("nan"), "far": float("inf"), "name": "file\udcff", "all": (1, None)}
    found = json.loads(json.dumps(as_json(value, exact=True)))
    assert np.isnan(found.pop("nan"))
    assert found == {"far": float("inf"), "name": "file\udcff", "all": [1, None]}
    with pytest.raises(TypeError, match="object is not JSON serializable"):
        as_json({"a": [object()]}, exact=True)
