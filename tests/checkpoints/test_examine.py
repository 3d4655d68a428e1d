"""How a network does on its data: every row is run once, and outputs of some are kept."""

import numpy as np
import pytest
import torch

from checkpoints.planted import DIGITS, planted
from interp import LoadOptions
from interp.checkpoints import examine, load_module
from interp.checkpoints.examine import fitted_rows, score_splits


@pytest.mark.parametrize("most", [1, 60, 5000])
@pytest.mark.parametrize("threads", [1, 2])
def test_outputs_that_are_kept_are_those_of_the_rows_drawn(most, threads, monkeypatch):
    monkeypatch.setattr(examine, "FITTED", most)
    monkeypatch.setattr(examine, "block_of", lambda _: 100)
    model, _ = load_module(planted(), "digits", LoadOptions(scaling="x/16"))
    ran, before = [], torch.get_num_threads()
    model.module.register_forward_hook(lambda _, inputs, __: ran.append(len(inputs[0])))
    torch.set_num_threads(threads)
    try:
        seen = score_splits(model, "classification", "linear", DIGITS)
    finally:
        torch.set_num_threads(before)
    count = len(DIGITS.train)
    assert sum(ran) == count + len(DIGITS.splits["test"])
    rows = fitted_rows(count)
    assert len(rows) == min(most, count)
    assert (np.diff(rows) > 0).all()
    with torch.no_grad():
        z = model.module(torch.from_numpy(model.scaling(DIGITS.train.inputs)))
    torch.testing.assert_close(seen.outputs, z[torch.from_numpy(rows)], rtol=1e-4, atol=1e-4)
    right = (z.argmax(1).numpy() == DIGITS.train.labels).mean()
    assert seen.scores["train"] == pytest.approx(right, abs=1e-9)
    assert set(seen.scores) == set(DIGITS.splits)
