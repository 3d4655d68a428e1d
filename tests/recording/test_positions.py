"""Which output positions of a convolution are recorded."""

import numpy as np
import torch
from torch import nn

import interp
from interp.recording import positions


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
