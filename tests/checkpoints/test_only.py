"""Some layers of a network are looked at, and what is found of them is what a look at all finds."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_runs
import torch
from torch import nn

import interp
from interp.checkpoints import LoadOptions, load_module
from interp.errors import MismatchError, UsageError
from interp.interventions.sweep import _is_costly
from interp.recording.positions import position_counts, samples_a_block
from interp.report.drawing.images import _is_long
from interp.run import Options, run_stage, start
from interp.run.settings.limits import Limits, settled
from interp.verdict.answers.description import what_it_is
from interp.verdict.evidence import Evidence
from interp.verdict.reading.networks.subject import is_stepwise

STAGES = ["boundaries", "intervene", "attribute"]


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3), nn.ReLU(),
        nn.Conv2d(4, 6, 3), nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 12), nn.ReLU(),
        nn.Linear(12, 3),
    )  # fmt: skip


@pytest.fixture(scope="module")
def both():
    data = tiny_runs.digits()
    options = {"scaling": "raw", "quick": True}
    return [interp.analyse(network(), data, stages=STAGES, only=only, **options) for only in (None, "3,6")]


def test_values_are_those_of_a_look_at_all(both):
    """The very same positions of a convolution are drawn, too."""
    whole, part = both
    for split in whole.data.splits:
        with whole.recording(split) as wide, part.recording(split) as narrow:
            assert list(narrow.z) == ["3", "6"]
            for name in narrow.z:
                np.testing.assert_array_equal(narrow.z[name][:], wide.z[name][:])
                np.testing.assert_array_equal(narrow.position[name], wide.position[name])
            np.testing.assert_array_equal(narrow.predictions, wide.predictions)
    assert part.nodes["kind"].tolist() == whole.nodes.loc[part.nodes.index, "kind"].tolist()


def test_a_hidden_layer_is_no_output_because_it_is_the_last_that_is_looked_at(both):
    whole, part = both
    assert [layer.name for layer in part.model.hidden] == ["3", "6"]
    assert [layer.name for layer in whole.model.hidden] == ["1", "3", "6"]
    assert part.nodes.loc["6:0", "conductance"] == pytest.approx(whole.nodes.loc["6:0", "conductance"], abs=1e-6)
    assert not any(part.model.is_first(layer) for layer in part.model.layers)


def test_memory_is_that_of_the_whole_network_which_runs(both):
    whole, part = both
    counts = position_counts(whole.model, whole.data)
    assert samples_a_block(part.model, counts) == samples_a_block(whole.model, counts)


def test_what_is_left_out_is_said(both):
    _, part = both
    assert part.model.skipped["2 more layers"] == "not among those that were asked for with --only"
    assert "4 layers" in what_it_is(Evidence(part.model, part.data))


class Steps(nn.Module):
    """A recurrent network with a head."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def test_a_recurrent_network_of_which_only_the_head_is_looked_at_still_runs_step_by_step():
    """Its sequences are no images, each level is expensive, and its long pictures stay undrawn."""
    x = np.random.default_rng(0).normal(size=(60, 9, 2)).astype(np.float32)
    sequences = {"x_train": x, "y_train": np.arange(60) % 3}
    found = [load_module(Steps(), sequences, interp.LoadOptions(scaling="raw", only=only)) for only in (None, "head")]
    assert [layer.name for layer in found[1][0].layers] == ["head"]
    for model, data in found:
        assert "looked at with sequences of" in what_it_is(Evidence(model, data))
        assert _is_costly(model)
        assert is_stepwise(model)
        assert _is_long(SimpleNamespace(model=model), (1, 9, 2))


def test_a_wrong_name_is_one_line():
    with pytest.raises(UsageError, match="--only: found '7'; expected one of 1, 3, 6, 8"):
        interp.analyse(network(), tiny_runs.digits(), stages=["record"], scaling="raw", only="3,7")


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize(("before", "after", "expected"), [
    (None, "3,6", "layers 1, 3, 6, 8; expected layers 3, 6; give the same --only"),
    ("3,6", None, "layers 3, 6; expected layers 1, 3, 6, 8; give the same --only"),
])  # fmt: skip
def test_a_recording_of_other_layers_is_refused_by_their_names(before, after, expected, store, tmp_path):
    first, later = (
        start(
            network(), tmp_path, tiny_runs.digits(), LoadOptions(scaling="raw", only=only), options=Options(store=store)
        )
        for only in (before, after)
    )
    run_stage(first, first.stage("record"))
    with pytest.raises(MismatchError, match=expected):
        run_stage(later, later.stage("fit"))


@pytest.mark.parametrize("store", [True, False])
def test_a_recording_with_another_activation_is_refused_by_its_option(store, tmp_path):
    weights = {name: value.detach().clone() for name, value in network().state_dict().items()}
    torch.save(weights, tmp_path / "net.pt")
    first, later = (
        start(
            tmp_path / "net.pt",
            tmp_path / "run",
            tiny_runs.digits(),
            LoadOptions(scaling="raw", activation=activation),
            options=Options(store=store),
        )
        for activation in ("relu", "abs")
    )
    run_stage(first, first.stage("record"))
    expected = "found the activation relu of layer .*; expected abs; give the same --activation as the recording"
    with pytest.raises(MismatchError, match=expected):
        run_stage(later, later.stage("fit"))


def test_a_network_is_large_by_all_its_layers():
    """A sweep of one layer still runs all that follow it."""
    deep = nn.Sequential(*(part for _ in range(20) for part in (nn.Linear(64, 64), nn.ReLU())), nn.Linear(64, 3))
    said = interp.LoadOptions(scaling="raw", only="0")
    model, data = interp.load_model(deep, tiny_runs.digits(), said)
    caps = settled(Limits(), model.layers, data.width, lambda: 10**6, model.every_layer)
    assert caps.levels == 1
    assert settled(Limits(), model.layers, data.width, lambda: 10**6) == Limits()
