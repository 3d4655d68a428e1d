"""Which output positions of a convolution are recorded."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import interp
from interp.recording import positions
from interp.types import NodeLayer


def test_one_position_each_is_kept_of_very_many_samples(monkeypatch):
    """A convolution of more than `MOST_ROWS` / 2 samples has one row a sample, at a position that is drawn."""
    monkeypatch.setattr(positions, "MOST_ROWS", 50)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 2))
    x = torch.rand(60, 1, 8, 8)
    found = interp.analyse(network, (x, torch.arange(60) % 2), stages=["prototypes"], scaling="raw")
    with torch.no_grad():
        maps = network[0](x).flatten(2)
    with found.recording() as recording:
        places = recording.position["0"]
        assert len(set(places.tolist())) > 10
        expected = maps[torch.arange(60), :, torch.from_numpy(places).long()]
        np.testing.assert_allclose(recording.z["0"][:], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (10, 8192),  # narrow: as many as are ever run at once
        (4694, 893),  # LeNet-5: 16 MB of values
        (200_000, 64),  # wide: enough to make use of a layer's weights, though they take more
        (1_000_000, 16),  # 64 MB at most
        (20_000_000, 1),
    ],
)
def test_few_enough_samples_are_run_at_once_for_memory_to_be_used_again(width, expected):
    layer = NodeLayer("a", "linear", width, 2, "relu", "a")
    model = SimpleNamespace(every_layer=(layer,))
    assert positions.samples_a_block(model, {"a": 1}) == expected


@pytest.mark.parametrize("kept", [1, 3, 5])
@pytest.mark.parametrize("by", ["seed", "index"])
def test_positions_that_were_asked_for_come_once_and_each_as_often(by, kept, monkeypatch):
    """Of 6,000 samples each of 6 positions is in kept / 6; the deviation of that share is 0.0065 at most."""
    monkeypatch.setattr(positions, "MOST_KEYS", 6 * 700)
    seeded = positions.draw_distinct(6, kept, 6000, [0])
    found = seeded if by == "seed" else positions.DrawnPlaces(6, kept, 0, distinct=True)[0:6000]
    assert found.shape == (6000, kept)
    assert (np.diff(found, axis=1) > 0).all(), "ascending, none twice"
    np.testing.assert_allclose(np.bincount(found.ravel(), minlength=6) / 6000, kept / 6, atol=5 * 0.0065)


def test_positions_by_index_are_the_same_in_any_block():
    places = positions.DrawnPlaces(9, 4, 1, distinct=True)
    np.testing.assert_array_equal(np.concatenate([places[0:5], places[5:30]]), places[0:30])
