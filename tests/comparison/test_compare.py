"""Networks beside each other: planted copies, seeds and tasks; the page and its file."""

import copy
import json
import re

import numpy as np
import pytest
import quick
import torch
from safetensors.torch import load_file
from scipy import stats
from sklearn.datasets import load_digits
from torch import nn

import interp
from interp.cli.main import main
from interp.comparison.members import sources_of
from interp.errors import UsageError
from interp.report.comparison.page import write_comparison

pytestmark = pytest.mark.usefixtures("few_draws")

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
DATA = {"x_train": X[:600], "y_train": Y[:600], "x_test": X[600:1000], "y_test": Y[600:1000]}


def trained(seed, width=12, steps=60):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    x, y = torch.from_numpy(DATA["x_train"]), torch.from_numpy(DATA["y_train"])
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    return network.eval()


def answers(network):
    with torch.no_grad():
        return network(torch.from_numpy(DATA["x_test"])).argmax(1).numpy()


def permuted(network, order):
    moved = copy.deepcopy(network)
    with torch.no_grad():
        moved[0].weight.copy_(network[0].weight[order])
        moved[0].bias.copy_(network[0].bias[order])
        moved[2].weight.copy_(network[2].weight[:, order])
    return moved


def pruned(network):
    small = copy.deepcopy(network)
    with torch.no_grad():
        weight = small[0].weight
        weight[weight.abs() < weight.abs().quantile(0.7)] = 0
    return small


ORDER = torch.from_numpy(np.random.default_rng(0).permutation(12))


@pytest.fixture(scope="module")
def networks():
    first = trained(0)
    return [first, trained(1), permuted(first, ORDER), pruned(first)]


@pytest.fixture(scope="module")
def found(networks):
    with quick.few_draws():
        return interp.compare(*networks, data=DATA, brief=True, scaling="raw")


def test_scores_and_tests_are_those_of_an_independent_computation(networks, found):
    right = [answers(network) == DATA["y_test"] for network in networks]
    assert found.networks["score"].tolist() == [pytest.approx(part.mean()) for part in right]
    for row, (i, j) in zip(found.pairs.itertuples(), [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], strict=True):
        lost, gained = int((right[i] & ~right[j]).sum()), int((right[j] & ~right[i]).sum())
        assert (row.only_first, row.only_second) == (lost, gained)
        wanted = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
        assert row.p_value == pytest.approx(wanted)
        assert row.difference == pytest.approx(right[j].mean() - right[i].mean())
        assert row.agreement == pytest.approx((answers(networks[i]) == answers(networks[j])).mean())


def test_groups_are_counted_as_table_5_does(networks, found):
    wrong = np.sum([answers(network) != DATA["y_test"] for network in networks], axis=0)
    row = found.groups.iloc[0]
    assert (row["unique"], row["consistent"], row["voting"]) == (
        (wrong > 0).sum(),
        (wrong == 4).sum(),
        (wrong >= 2).sum(),
    )
    assert np.isnan(row["l2"]), "these outputs are no distances"


def test_a_permuted_copy_is_matched_node_for_node(found):
    names = list(found.networks["network"])
    row = found.layers[(found.layers["first"] == names[0]) & (found.layers["second"] == names[2])].iloc[0]
    assert row["correlation"] == pytest.approx(1, abs=1e-6)
    assert row["null_high"] < 0.7
    assert row["cka"] == pytest.approx(1, abs=1e-6)
    assert row["same_kind"] == 1
    other = found.layers[(found.layers["first"] == names[0]) & (found.layers["second"] == names[1])].iloc[0]
    assert other["null_mean"] < other["correlation"] < 0.99


def test_what_was_done_to_copies_is_said(found):
    done = {(row.network, row.layer): row.done for row in found.changes.itertuples()}
    names = list(found.networks["network"])
    assert done == {(names[3], "0"): "pruned", (names[3], "2"): "nothing"}, "a permuted network is no copy node by node"
    nodes = found.changed_nodes[found.changed_nodes["layer"] == "0"]
    assert nodes["zero_after"].mean() == pytest.approx(0.7, abs=0.01)
    assert (found.changed_nodes[found.changed_nodes["layer"] == "2"]["relative_change"] == 0).all()


@pytest.mark.usefixtures("blank_figures")  # the page below has them
def test_aligned_copies_compute_the_same_and_undo_a_permutation(networks, found, tmp_path):
    names = list(found.networks["network"])
    table = found.aligned.set_index(["network", "way"])
    assert (table["output_change"] < 1e-5).all()
    assert (table.loc[names[2]]["distance_after"] < 1e-6).all(), "the permuted copy"
    assert (table["distance_after"] <= table["distance_before"] + 1e-9).xs("weights", level="way").all()
    line = found.line[(found.line["network"] == names[2]) & (found.line["copy"] == "aligned")]
    assert line["loss"].max() - line["loss"].min() < 1e-5
    given = found.line[(found.line["network"] == names[2]) & (found.line["copy"] == "as given")]
    assert given["loss"].max() > line["loss"].max() + 0.1
    write_comparison(found, tmp_path, "interp compare")
    for place, name in enumerate(names[1:], 1):
        state = load_file(next((tmp_path / "aligned").glob(f"*{name.split()[-1]}*")))
        copied = copy.deepcopy(networks[place])
        copied.load_state_dict(state)
        assert (answers(copied) == answers(networks[place])).all()


def test_a_network_in_training_mode_is_compared_as_it_is_used_and_left_as_it_was():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Dropout(0.9), nn.Linear(12, 10)).train()
    before = copy.deepcopy(network.state_dict())
    found = interp.compare(network, copy.deepcopy(network), data=DATA, brief=True, scaling="raw")
    assert found.pairs["agreement"].tolist() == [1.0]
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_disputed_samples_are_those_that_networks_disagree_on(networks, found):
    predictions = np.stack([answers(network) for network in networks])
    differ = np.flatnonzero((predictions != predictions[0]).any(axis=0))
    assert set(found.disputed["sample"]) <= set(differ.tolist())
    assert len(found.disputed) == min(24, len(differ))
    for row in found.disputed.itertuples():
        assert list(row.predictions.values()) == predictions[:, row.sample].tolist()
        assert row.label == DATA["y_test"][row.sample]
    np.testing.assert_array_equal(found.images, DATA["x_test"][found.disputed["sample"]])


def test_classes_add_up_to_pairs(found):
    for pair in found.pairs.itertuples():
        part = found.classes[(found.classes["first"] == pair.first) & (found.classes["second"] == pair.second)]
        assert part["only_first"].sum() == pair.only_first
        assert part["samples"].sum() == 400


def test_the_page_shows_it_and_keeps_text_as_text(found, tmp_path):
    page = write_comparison(found, tmp_path, "interp compare '<script>alert(1)</script>'")
    html, document = page.read_text(), json.loads((tmp_path / "compare.json").read_text())
    assert "<script>alert(1)" not in html
    assert html.count("<script>") == 1
    keys = re.findall(r'<section id="(\w+)"', html)
    assert keys == ["scores", "groups", "classes", "disputed", "layers", "nodes", "changes", "alignment"]
    assert document["schema"] == 1
    assert len(document["pairs"]) == 6
    assert document["pairs"][0]["p_value"] == found.pairs["p_value"].iloc[0]
    assert "images" not in document


@pytest.mark.usefixtures("blank_figures")  # the page above has them
def test_files_and_folders_from_the_command_line(networks, tmp_path, capsys):
    for group, some in (("a", networks[:2]), ("b", networks[:1])):
        (tmp_path / group).mkdir()
        for number, network in enumerate(some):
            torch.save(network.state_dict(), tmp_path / group / f"{number}.pt")
    np.savez(tmp_path / "data.npz", **DATA)
    said = ("--data", str(tmp_path / "data.npz"), "--scaling", "raw", "--activation", "relu", "--output", "linear")
    words = ("compare", str(tmp_path / "a"), str(tmp_path / "b"), *said, "--brief", "--out", str(tmp_path / "out"))
    assert main(list(words)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "out" / "compare.html")
    document = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [row["network"] for row in document["networks"]] == ["a/0", "a/1", "b/0"]
    assert [row["group"] for row in document["groups"]] == ["a", "b"]
    assert document["pairs"][1]["agreement"] == 1, "a/0 and b/0 are one network"
    assert main(["compare", str(tmp_path / "a" / "0.pt"), *said]) == 2
    assert "expected two or more" in capsys.readouterr().err


def test_all_networks_are_opened_before_the_work_on_the_first(networks, tmp_path, capsys):
    """A second one that cannot be read was found after all stages of the first."""
    whole, cut = tmp_path / "whole.pt", tmp_path / "cut.pt"
    torch.save(networks[0].state_dict(), whole)
    cut.write_bytes(whole.read_bytes()[:900])
    np.savez(tmp_path / "data.npz", **DATA)
    words = ["compare", str(whole), str(cut), "--data", str(tmp_path / "data.npz"), "--out", str(tmp_path / "out")]
    assert main([*words, "--scaling", "raw", "--activation", "relu", "--output", "linear"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "nodes in" in line] == []
    assert lines[-1].startswith(f"error: {cut}: found a zip archive cut short")
    assert not (tmp_path / "out").exists()


def test_networks_for_different_things_are_refused(networks):
    other = nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 12))
    with pytest.raises(UsageError, match="found outputs 12; expected 10"):
        interp.compare(networks[0], other, data=DATA, brief=True, scaling="raw")


def test_regressions_are_compared_by_paired_t(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    y = (x[:, :1] * 2 + np.abs(x[:, 1:2]) + 0.1 * rng.normal(size=(300, 1))).astype(np.float32)
    pair = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))
        optimiser = torch.optim.Adam(network.parameters(), 0.02)
        for _ in range(80 + 40 * seed):
            optimiser.zero_grad()
            nn.functional.mse_loss(network(torch.from_numpy(x[:200])), torch.from_numpy(y[:200])).backward()
            optimiser.step()
        pair.append(network)
    data = {"x_train": x[:200], "y_train": y[:200], "x_test": x[200:], "y_test": y[200:]}
    found = interp.compare(*pair, data=data, brief=True, scaling="raw")
    with torch.no_grad():
        errors = [
            (network(torch.from_numpy(x[200:])).double().numpy() - y[200:].astype(float)) ** 2 for network in pair
        ]
    row = found.pairs.iloc[0]
    assert row["test"] == "paired t"
    assert row["p_value"] == pytest.approx(stats.ttest_rel(errors[0][:, 0], errors[1][:, 0]).pvalue, rel=1e-3)
    assert found.groups.empty
    assert 0.9 < row["agreement"] <= 1


def test_folders_are_groups_and_names_differ(tmp_path):
    for name in ("x/net.pt", "y/net.pt", "y/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    named = [(one.name, one.group) for one in sources_of([tmp_path / "x", tmp_path / "y" / "net.pt"])]
    assert named == [("x/net", "x"), ("y/net", "")]
    (tmp_path / "z").mkdir()
    with pytest.raises(UsageError, match="a folder without networks"):
        sources_of([tmp_path / "z", tmp_path / "x"])
