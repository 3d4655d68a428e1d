"""The twelve published networks of as-NN's experiment 2 as four folders: table 5's metrics by hand."""

import numpy as np
import pytest
import torch

from interp.checkpoints import LoadOptions
from interp.comparison import compare_members, open_members, sources_of
from interp.comparison.answers import answers_of
from interp.comparison.scores import group_rows
from interp.data import DataOptions, load_dataset

from .by_hand import assert_equal_to

FOLDERS = ("abs", "abs-sampled", "relu", "relu-sampled")


@pytest.fixture(scope="module")
def published(shared):
    return [shared / "fixtures" / "published" / "experiment2" / name for name in FOLDERS]


def outputs_of(path, inputs):
    """Run a network by hand: two layers with the activation after each, negated."""
    content = torch.load(path, map_location="cpu", weights_only=False)
    state = content if not isinstance(content, dict) else content.get("state_dict", content)
    maps = [value.double().numpy() for value in state.values()]
    act = np.abs if path.parent.name.startswith("abs") else lambda z: np.maximum(z, 0)
    hidden = act(inputs @ maps[0].T + maps[1])
    return -act(hidden @ maps[2].T + maps[3])


def test_table_5_is_counted_by_hand(published, mnist_root, tmp_path):
    data = load_dataset("mnist", DataOptions(root=str(mnist_root), offline=True))
    rows = np.random.default_rng(0).permutation(len(data.train))[:2000]
    small = {
        "x_train": data.train.inputs[rows],
        "y_train": data.train.labels[rows],
        "x_test": data.splits["test"].inputs[:2000],
        "y_test": data.splits["test"].labels[:2000],
    }
    load = LoadOptions(scaling="(x/255-0.1307)/0.3081", output="negated-activation")
    members = open_members(sources_of(published), small, tmp_path, load, stages=())
    groups = group_rows(members, answers_of(members), small["y_test"])
    x = (small["x_test"].astype(float) / 255 - 0.1307) / 0.3081
    assert groups["group"].tolist() == list(FOLDERS)
    for folder, row in zip(published, groups.itertuples(), strict=True):
        outputs = np.stack([outputs_of(path, x) for path in sorted(folder.glob("*.pt"))])
        wrong = (outputs.argmax(axis=2) != small["y_test"]).sum(axis=0)
        l2 = ((outputs**2).sum(axis=0).argmin(axis=1) != small["y_test"]).sum()
        wanted = [(wrong >= 1).sum(), (wrong == 3).sum(), (wrong >= 2).sum(), l2]
        assert row.networks == 3
        assert [row.unique, row.consistent, row.voting, row.l2] == pytest.approx(wanted, abs=1), "ties of zeros aside"


def test_the_whole_comparison_of_the_twelve_is_computed_anew(published, mnist_root, tmp_path):
    """Scores, intervals, pairs, groups, classes, matched nodes and CKA from the weights and the data alone."""
    data = load_dataset("mnist", DataOptions(root=str(mnist_root), offline=True))
    test = data.splits["test"]
    small = {
        "x_train": data.train.inputs[:1000],
        "y_train": data.train.labels[:1000],
        "x_test": test.inputs[:300],
        "y_test": test.labels[:300],
    }
    load = LoadOptions(scaling="(x/255-0.1307)/0.3081", output="negated-activation")
    members = open_members(sources_of(published), small, tmp_path, load, stages=("record",))
    states = []
    for folder in published:
        act = np.abs if folder.name.startswith("abs") else lambda z: np.maximum(z, 0)
        for path in sorted(folder.glob("*.pt")):
            content = torch.load(path, map_location="cpu", weights_only=False)
            state = content.get("state_dict", content)
            states.append((folder.name, [value.double().numpy() for value in state.values()], act))
    x = (small["x_test"].astype(float) / 255 - 0.1307) / 0.3081
    assert_equal_to(compare_members(members), states, x.reshape(len(x), -1), small["y_test"], slack=1)
