"""The scaling of inputs is chosen on blocks of rows: as few as fit, and the choice is that of any other blocks."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints.inference import scaling
from interp.checkpoints.inference.scaling import choose_scaling
from interp.types import Dataset, Split


class Seen(nn.Module):
    """A network for inputs between 0 and 1, which tells how many rows it was given at a time."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def forward(self, x):
        self.rows.append(len(x))
        bright = x.flatten(1).mean(1)
        return torch.stack([0.5 - bright, bright - 0.5], dim=1)


def pixels(samples, width):
    inputs = np.random.default_rng(0).integers(0, 256, (samples, 1)).repeat(width, axis=1).astype(np.uint8)
    train = Split(inputs, (inputs[:, 0] > 127).astype(np.int64))
    return Dataset("pixels", {"train": train}, None, ("dark", "bright"), (), "0" * 64)


@pytest.mark.parametrize(
    ("samples", "width", "expected"),
    [(200, 4, 1), (250, 4, 1), (600, 4, 3), (5000, 4, 20), (30_000, 4, 20), (40, 2**16, 3), (40, 2**19, 20)],
)
def test_rows_are_run_in_few_blocks_that_fit_into_memory(samples, width, expected):
    assert scaling._blocks(min(samples, scaling.SAMPLE), width) == expected


def test_the_choice_is_that_of_single_rows(monkeypatch):
    data, found = pixels(300, 6), []
    for blocks in (scaling._blocks, lambda rows, width: rows):
        monkeypatch.setattr(scaling, "_blocks", blocks)
        network = Seen()
        found.append(choose_scaling(network, data, (6,)))
        assert set(network.rows) == ({150} if len(found) == 1 else {1})
    assert found[0] == found[1]
    assert found[0][0].name == "x/255"
