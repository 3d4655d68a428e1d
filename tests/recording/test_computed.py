"""Rows that are computed when they are asked for are picked as numpy picks those of a table."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import load_module
from interp.recording.computed import computed_recording
from interp.types import Provenance

ROWS, BLOCK = 20, 8


@pytest.fixture(scope="module")
def rows():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    data = {"x_train": rng.normal(size=(ROWS, 4)).astype(np.float32), "y_train": np.arange(ROWS) % 2}
    model, data = load_module(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("interp.recording.computed.samples_a_block", lambda model, counts: BLOCK)
        found = computed_recording(model, data, "train", {}, Provenance("", "", 0, {}, {}))
    return found.z[model.layers[0].name]


KEYS = [
    5,
    -1,
    slice(None),
    slice(3, 17, 4),
    slice(None, None, -3),
    [9, 0, 3, 3],
    [-1, 5, -ROWS],
    np.arange(ROWS) % 3 == 0,
    np.empty(0, int),
    (slice(2, 6), 1),
    (slice(2, 6), slice(1, 2)),
    ([0, 9], 1),
    (5, 1),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_rows_are_picked_as_numpy_does(rows, key):
    assert np.array_equal(rows[key], rows[:][key])


def test_a_row_that_is_not_there_is_refused(rows):
    for key in (ROWS, [0, -ROWS - 1]):
        with pytest.raises(IndexError):
            rows[key]


def test_each_block_is_run_once_whatever_the_order(rows, monkeypatch):
    run, plain = [], type(rows.source).rows
    monkeypatch.setattr(
        type(rows.source), "rows", lambda own, first, places: run.append(first) or plain(own, first, places)
    )
    rows[:1]
    run.clear()
    rows[[19, 2, 9, 1, 18, 9, 0]]
    assert run == [8, 16]
