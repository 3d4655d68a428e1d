"""As many positions of convolutions are looked at as are asked for, with and without stored activations."""

import h5py
import numpy as np
import pytest
import torch
from torch import nn

import interp
from interp.checkpoints import load_module
from interp.data.streams.drawn import Whole
from interp.recording.passes import samples_of_whole
from interp.run import Options, as_begun

pytestmark = pytest.mark.usefixtures("few_draws")

ASKED, THERE = 3, 36


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Give what a small convolutional network's fits are, with stored activations and without."""
    torch.manual_seed(0)
    convolution = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * THERE, 3)).eval()
    rng = np.random.default_rng(0)
    data = (rng.normal(size=(120, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, 120))
    home = tmp_path_factory.mktemp("positions")
    return {
        store: interp.analyse(
            convolution, data, stages=["fit"], out=home / str(store), store=store, positions=ASKED, progress=False
        )
        for store in (True, False)
    }


def test_file_and_limits_say_how_many(found):
    run = found[True].run
    train = len(run.data.train)
    with h5py.File(run.path("record")) as file:
        assert file["train/z/0"].attrs["positions"] == ASKED
        assert file["train/z/0/values"].shape[0] == ASKED * train
    for one in found.values():
        (limit,) = (limit for limit in one.run.limits if limit.lift == "--positions")
        assert (limit.looked_at, limit.of) == (ASKED, THERE)
        assert limit.what.endswith("of 0, the layer that has the most")


def test_fits_without_stored_activations_are_of_the_same_positions(found):
    stored, computed = (one.run.read("fit") for one in (found[True], found[False]))
    for name, fit in stored.items():
        assert fit.count == computed[name].count
        np.testing.assert_allclose(computed[name].mean, fit.mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(computed[name].class_mean, fit.class_mean, rtol=1e-9, atol=1e-12)


def test_later_commands_look_at_as_many(found):
    for store, one in found.items():
        begun = as_begun(one.run.out, Options())
        assert begun.recording.positions == ASKED
        assert bool(begun.store) is store


@pytest.mark.parametrize("asked", [2, THERE - 1])
def test_positions_of_a_sample_are_different_ones(asked, tmp_path):
    torch.manual_seed(0)
    convolution = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * THERE, 3)).eval()
    x = np.random.default_rng(0).normal(size=(50, 1, 8, 8)).astype(np.float32)
    out = tmp_path / "out"
    one = interp.analyse(convolution, (x, np.arange(50) % 3), stages=["record"], out=out, positions=asked)
    with one.recording() as found:
        places = list(zip(found.sample["0"].tolist(), found.position["0"].tolist(), strict=True))
    assert len(places) == len(set(places)) == asked * len(one.run.data.train)


@pytest.mark.parametrize(("asked", "said"), [(8, []), (2, [(2, 3)])])
def test_of_padded_sequences_that_are_whole_nothing_is_said(asked, said):
    """One sequence is of 9 steps and 39 are of 3: of each as many rows are recorded as sequences have on the mean."""

    class Meaned(nn.Module):
        def __init__(self):
            super().__init__()
            self.each, self.head = nn.Linear(3, 6), nn.Linear(6, 3)

        def forward(self, x):
            return self.head(torch.relu(self.each(x)).mean(1))

    x = np.random.default_rng(0).normal(size=(40, 9, 3)).astype(np.float32)
    data = {"x": x, "y": np.arange(40) % 3, "lengths": np.r_[9, np.full(39, 3)]}
    found = interp.analyse(Meaned().eval(), data, stages=["record"], positions=asked, progress=False)
    limits = [limit for limit in found.run.limits if limit.lift == "--positions"]
    assert [(limit.looked_at, limit.of) for limit in limits] == said


def test_positions_of_samples_of_unknown_number_are_different_ones():
    torch.manual_seed(0)
    convolution = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * THERE, 3)).eval()
    x = np.random.default_rng(0).normal(size=(50, 1, 8, 8)).astype(np.float32)
    model, data = load_module(convolution, (x, np.arange(50) % 3))
    whole = Whole("train", lambda: iter(()), None, data.train, "")
    places = samples_of_whole(model, data, "train", {"train": whole}, 0, THERE - 1).places["0"][0:50]
    assert places.shape == (50, THERE - 1)
    assert (np.diff(places, axis=1) > 0).all(), "ascending, none twice"
