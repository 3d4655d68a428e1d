"""Snapshots of one training: their order, and figures along it by hand."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import quick
import torch
from sklearn.datasets import load_digits
from torch import nn

import interp
from interp.checkpoints.formats.several import several_states
from interp.cli.main import main
from interp.comparison.snapshots import unpacked
from interp.errors import UsageError

pytestmark = pytest.mark.usefixtures("few_draws")

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
DATA = {"x_train": X[:300], "y_train": Y[:300], "x_test": X[300:500], "y_test": Y[300:500]}
SAID = {"scaling": "raw", "activation": "relu", "output": "linear"}


@pytest.fixture(scope="module")
def states():
    """Give the weights after 0, 5, 10 and 40 steps."""
    torch.manual_seed(0)
    network, found = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)), {}
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for step in range(41):
        if step in (0, 5, 10, 40):
            found[step] = copy.deepcopy(network.state_dict())
        optimiser.zero_grad()
        nn.functional.cross_entropy(
            network(torch.from_numpy(DATA["x_train"])), torch.from_numpy(DATA["y_train"])
        ).backward()
        optimiser.step()
    return found


def outputs(state):
    w, b, v, c = (value.double().numpy() for value in state.values())
    return np.maximum(DATA["x_test"] @ w.T + b, 0) @ v.T + c


def flat(state):
    return np.concatenate([value.double().numpy().ravel() for value in state.values()])


def test_a_folder_is_ordered_by_number_and_figures_are_those_by_hand(states, tmp_path):
    for step, state in states.items():
        torch.save(state, tmp_path / f"step{step}.pt")
    found = interp.compare(tmp_path, data=DATA, brief=True, snapshots=True, **SAID)
    rows = found.snapshots
    assert [Path(name).name for name in rows["network"]] == ["step0", "step5", "step10", "step40"]
    assert rows["taken_at"].isna().all()
    predictions = [outputs(state).argmax(1) for state in states.values()]
    weights = [flat(state) for state in states.values()]
    for place, row in enumerate(rows.itertuples()):
        assert row.score == pytest.approx((predictions[place] == DATA["y_test"]).mean())
        assert row.agreement_last == pytest.approx((predictions[place] == predictions[-1]).mean())
        size = np.linalg.norm(weights[-1])
        assert row.weights_from_last == pytest.approx(np.linalg.norm(weights[place] - weights[-1]) / size, rel=1e-6)
        if place:
            moved = np.linalg.norm(weights[place] - weights[place - 1]) / np.linalg.norm(weights[place - 1])
            assert row.weights_moved == pytest.approx(moved, rel=1e-6)
            assert row.agreement_before == pytest.approx((predictions[place] == predictions[place - 1]).mean())
    layers = found.snapshot_layers
    assert len(layers) == 8
    assert layers["cka_last"].iloc[-1] == 1
    assert layers["cka_before"].isna().sum() == 2, "there is none before the first"


def test_stated_epochs_come_before_names(states, tmp_path):
    for name, step in {"b": 0, "a": 40}.items():
        torch.save({"state_dict": states[step], "epoch": step}, tmp_path / f"{name}.pt")
    found = interp.compare(tmp_path, data=DATA, brief=True, snapshots=True, **SAID)
    assert [name[-1] for name in found.snapshots["network"]] == ["b", "a"]
    assert found.snapshots["taken_at"].tolist() == [0, 40]


@pytest.mark.usefixtures("blank_figures")  # `test_schema` draws those of snapshots
def test_a_file_of_several_snapshots_from_the_command_line(states, tmp_path, capsys):
    hostile = {f"../../{step}/x": states[step] for step in (0, 40)}
    torch.save({"snapshots": hostile, "optimizer": {"state": torch.ones(3)}}, tmp_path / "run.pt")
    np.savez(tmp_path / "data.npz", **DATA)
    words = ["compare", str(tmp_path / "run.pt"), "--snapshots", "--data", str(tmp_path / "data.npz"), "--brief"]
    said = [part for name, value in SAID.items() for part in (f"--{name}", value)]
    assert main([*words, *said, "--out", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [row["network"] for row in document["snapshots"]] == ["snapshots-0-x", "snapshots-40-x"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.npz", "out", "run.pt"]
    assert "Along the training" in (tmp_path / "out" / "compare.html").read_text()


def test_a_list_of_states_is_several_and_one_state_is_not(states, tmp_path):
    torch.save(list(states.values()), tmp_path / "list.pt")
    torch.save(states[0], tmp_path / "one.pt")
    (tmp_path / "junk.pt").write_bytes(b"PK\x03\x04 nothing")
    assert list(several_states(tmp_path / "list.pt")) == ["0", "1", "2", "3"]
    assert several_states(tmp_path / "one.pt") == several_states(tmp_path / "junk.pt") == {}


def test_networks_of_other_shapes_are_no_snapshots():
    with quick.few_draws(), pytest.raises(UsageError, match="as snapshots of one training have"):
        interp.compare(
            nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)),
            nn.Sequential(nn.Linear(64, 9), nn.ReLU(), nn.Linear(9, 10)),
            data=DATA, brief=True, snapshots=True, scaling="raw",
        )  # fmt: skip


def test_snapshots_of_an_earlier_comparison_are_none_of_this_training(states, tmp_path):
    for count in (4, 2):
        torch.save(list(states.values())[:count], tmp_path / "run.pt")
        (folder,) = unpacked([tmp_path / "run.pt"], tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["0.safetensors", "1.safetensors"]
