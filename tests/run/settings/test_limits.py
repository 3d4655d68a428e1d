"""What is looked at of large networks: which nodes and layers, and that everything left out is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
import quick
import torch
from small_networks import data, dataset, loaded, mlp, ranges_of
from torch import nn

from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions
from interp.cli.main import main
from interp.errors import UsageError
from interp.interventions import InterventionOptions, intervene
from interp.network.caps import drawn_nodes, least
from interp.network.tracing.calls import place_of
from interp.recording import multiply_adds
from interp.report.page import write_report
from interp.run.pipeline import run_all
from interp.run.run import start
from interp.run.settings import limits
from interp.run.settings.limits import QUICK as QUICK_LOOK
from interp.run.settings.limits import Limits, is_large, large_limits, settled, spread_layers
from interp.run.settings.options import Options
from interp.store import read_results
from interp.types import KINDS, NodeLayer, Prototypes
from interp.verdict.attribution import AttributionOptions, attribute
from interp.verdict.reading.options import ReadingOptions


def layers(count, nodes=16):
    return [NodeLayer(f"l.{i}", "linear", nodes, 16, "relu", f"l.{i}") for i in range(count)]


# --------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("count", "nodes", "large"), [(12, 16, False), (13, 1, True), (2, 1024, False), (2, 1025, True)]
)
def test_networks_are_large_by_layers_or_by_nodes(count, nodes, large):
    assert is_large(layers(count, nodes)) is large


def test_small_networks_have_no_limits_but_those_asked_for():
    assert settled(Limits(), layers(3), 784, lambda: 10**6) == Limits()
    assert settled(Limits(inputs=7), layers(3), 784, lambda: 10**6) == Limits(inputs=7)


def test_of_large_ones_what_is_left_open_is_filled_in():
    found = settled(Limits(single_nodes=3), layers(32, 512), 784, lambda: 10**9)
    assert found == Limits(
        nodes_per_layer=32, single_nodes=3, swept_layers=6, inputs=100, levels=1, curve_levels=0, directions=24
    )
    assert settled(Limits(everything=True, inputs=5), layers(32, 512), 784, lambda: 10**9) == Limits(True, inputs=5)


def test_a_quick_look_is_at_the_least_of_all_caps():
    assert settled(Limits(quick=True), layers(3), 784, lambda: 10**6) == replace(QUICK_LOOK, quick=True)
    found = settled(Limits(quick=True, levels=7), layers(32, 512), 784, lambda: 10**9)
    assert (found.inputs, found.levels, found.curve_levels, found.rows) == (100, 7, 0, 2000)
    with pytest.raises(UsageError, match="--quick: found --everything too"):
        settled(Limits(quick=True, everything=True), layers(3), 784, lambda: 10**6)


def test_wide_inputs_and_many_layers_leave_fewer_nodes_each():
    each = [large_limits(layers(20), width, 10**9).nodes_per_layer for width in (784, 3 * 128**2, 3 * 224**2)]
    assert each == [51, 34, 11]
    assert large_limits(layers(500), 784, 10**9).nodes_per_layer == 8


def test_networks_that_run_quickly_are_swept_on_more_inputs_and_nodes():
    found = [large_limits(layers(3, 1024), 784, work) for work in (10**6, 10**7, 10**9)]
    assert [each.inputs for each in found] == [11_111, 1111, 100]
    assert [each.single_nodes for each in found] == [75, 75, 8]


def test_the_work_of_one_input_is_that_of_its_matrices():
    chain, _ = mlp("relu", widths=(64, 16, 5))
    assert multiply_adds(loaded(chain), dataset(train=data(3))) == 64 * 16 + 16 * 5


def test_fewer_drawn_nodes_are_among_more_and_every_node_is_drawn_as_often():
    layer = layers(1, 40)[0]
    drawn = [drawn_nodes(layer, 10, seed) for seed in range(400)]
    for seed, nodes in enumerate(drawn):
        assert set(drawn_nodes(layer, 4, seed)) <= set(nodes)
        assert sorted(set(nodes)) == nodes.tolist()
    counts = np.bincount(np.concatenate(drawn), minlength=40)  # of 100 each, with a deviation of 8.7
    assert counts.min() > 65
    assert counts.max() < 135
    assert drawn_nodes(layer, 40, 0) is None
    assert drawn_nodes(layer, None, 0) is None


def test_layers_of_one_width_draw_apart():
    first, second = layers(2, 512)
    assert drawn_nodes(first, 20, 0).tolist() != drawn_nodes(second, 20, 0).tolist()


def test_spread_layers_hold_the_ends():
    assert spread_layers(layers(21), 6) == ("l.0", "l.4", "l.8", "l.12", "l.16", "l.20")
    assert spread_layers(layers(6), 6) == ()
    assert spread_layers(layers(6), None) == ()


def test_least_of_caps():
    assert least(None, 3, 2) == 2
    assert least(None, None) is None


# --------------------------------------------------------------------------- single nodes


@pytest.fixture(scope="module")
def network():
    chain, plain = mlp()
    return loaded(chain), plain, data()


def test_only_drawn_nodes_are_silenced_and_clamped_with_the_numbers_of_all(network):
    model, plain, split = network
    layer = model.layers[0]
    found, average = ranges_of(plain, torch.from_numpy(split.inputs))
    ranges = dict(zip((part.name for part in model.layers), found, strict=True))
    means = dict(zip((part.name for part in model.layers), average, strict=True))
    few = InterventionOptions(levels=1, curve_levels=3, control_samples=0, single_nodes=2)
    every = InterventionOptions(levels=1, curve_levels=3, control_samples=0)
    some, whole = (intervene(model, dataset(train=split), ranges, means, options) for options in (few, every))
    drawn = drawn_nodes(layer, 2, 0)
    for table, full in (
        (some.single_nodes, whole.single_nodes),
        (some.curves, whole.curves),
        (some.node_levels, whole.node_levels),
    ):
        mine = table[table["layer"] == layer.name]
        theirs = full[(full["layer"] == layer.name) & full["node"].isin(drawn)]
        assert sorted(set(mine["node"])) == drawn.tolist()
        for column in ("score", "equilibrium", "above", "accuracy_above"):
            if column in mine:
                np.testing.assert_array_equal(mine[column].to_numpy(float), theirs[column].to_numpy(float), column)
    mine = some.balance[some.balance["layer"] == layer.name].reset_index(drop=True)
    theirs = whole.balance[(whole.balance["layer"] == layer.name) & whole.balance["node"].isin(drawn)]
    assert mine.equals(theirs.reset_index(drop=True))


def test_only_drawn_nodes_are_attributed_with_the_numbers_of_all(network):
    model, _, split = network
    layer = model.layers[0]
    some, whole = (attribute(model, layer, split, AttributionOptions(40, 5, single_nodes=n)) for n in (16, None))
    drawn = drawn_nodes(layer, 16, 0)
    others = np.setdiff1d(np.arange(layer.nodes), drawn)
    np.testing.assert_array_equal(some.conductance, whole.conductance)
    for name in ("ablation", "captum_ablation"):
        np.testing.assert_allclose(getattr(some, name)[drawn], getattr(whole, name)[drawn], rtol=1e-6, err_msg=name)
        assert np.isnan(getattr(some, name)[others]).all()
        assert np.isfinite(getattr(whole, name)).all()
    assert -1 <= some.low <= some.rank_correlation <= some.high <= 1


# --------------------------------------------------------------------------- the whole path

WIDTH, DEPTH = 10, 9
MANY = (
    "interp.run.settings.limits.LARGE_LAYERS", "interp.verdict.findings.MANY_LAYERS",
    "interp.verdict.nodes.MANY_LAYERS", "interp.verdict.alerts.nodes.MANY_LAYERS",
    "interp.report.drawing.style.MOST_LAYERS",
)  # fmt: skip
"""Numbers of layers beyond which a network is large, or only some of its layers are shown: 7 here, to be quick."""
QUICK = Options(
    gaussians=GaussianOptions(components=2),
    clusters=ClusterOptions(repetitions=2),
    interventions=InterventionOptions(interventions=("scale", "offset"), control_shuffles=2, control_samples=60),
    attribution=AttributionOptions(samples=50, steps=5, repetitions=20),
    reading=ReadingOptions(samples=40, images=20, read_copies=2),
    limits=Limits(nodes_per_layer=4, single_nodes=8, swept_layers=3, inputs=100),
)


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """Nine dense layers, of ten nodes, the last of three: as many as a large network has here."""
    folder = tmp_path_factory.mktemp("deep")
    torch.manual_seed(0)
    steps = [step for _ in range(DEPTH - 1) for step in (nn.Linear(WIDTH, WIDTH), nn.Tanh())]
    net = nn.Sequential(*steps, nn.Linear(WIDTH, 3))
    for part in net[::2]:
        nn.init.orthogonal_(part.weight, 1.5)
    x = torch.randn(150, WIDTH)
    y = net(x).argmax(1).numpy()
    np.savez(folder / "data.npz", x_train=x[:120], y_train=y[:120], x_test=x[120:], y_test=y[120:])
    torch.save(net.state_dict(), folder / "net.pt")
    said = LoadOptions(activation="tanh", scaling="raw", output="linear")
    with quick.few_draws(), quick.blank_figures(), pytest.MonkeyPatch.context() as patch:
        for name in MANY:
            patch.setattr(name, DEPTH - 2)
        run = start(folder / "net.pt", folder / "out", str(folder / "data.npz"), said, options=QUICK)
        results = run_all(run)
        return results, write_report(results, folder / "out", "python -m interp.report net.pt"), folder / "out"


def test_a_deep_network_is_looked_at_in_part(deep):
    results, _, _ = deep
    names = [layer.name for layer in results.model.layers]
    swept = {names[0], names[DEPTH // 2], names[-1]}
    assert set(results.effects.whole_layers["layer"]) == set(results.effects.tolerance["layer"]) == swept
    assert set(results.attribution) == swept - {names[-1]}
    assert results.effects.curves.empty
    assert (results.effects.whole_layers["samples"] <= 100).all()
    for layer in results.model.layers[:-1]:
        drawn = drawn_nodes(layer, 4, 0)
        for found in (results.fits[layer.name].nodes, results.prototypes[layer.name].nodes):
            assert found.tolist() == drawn.tolist()
        assert results.boundaries[layer.name].classified == 4
        assert sum(results.boundaries[layer.name].counts.values()) == WIDTH
        assert max(match.k for match in results.clusters[layer.name]) == 4
        assert (results.fits[layer.name].var > 0).all()
    single = results.effects.single_nodes
    first = results.model.layers[0]
    assert set(single[single["layer"] == first.name]["node"]) == set(drawn_nodes(first, 8, 0))


def test_files_of_large_networks_hold_no_weights_and_readers_get_the_networks_own(deep):
    results, _, out = deep
    held, _ = read_results(out / "prototypes.h5", Prototypes, "")
    for layer in results.model.layers[:-1]:
        assert held[layer.name].weight.shape == (4, 0)
        found = results.prototypes[layer.name]
        own = place_of(results.model.module, layer.tap).weight.detach().numpy()[found.nodes]
        np.testing.assert_array_equal(found.weight, own)


def test_everything_left_out_is_named_with_numbers_and_the_way_to_lift_it(deep):
    results, document, out = deep
    found = {limit.lift: (limit.looked_at, limit.of) for limit in results.limits}
    assert found == {
        "--nodes-per-layer": (4 * (DEPTH - 1) + 3, WIDTH * (DEPTH - 1) + 3),
        "--swept-layers or --layers": (3, DEPTH),
        "--single-nodes": (8 * 2 + 3, WIDTH * 2 + 3),
        "--inputs": (100, 120),
        "--levels": (27, 120),
        "--curve-levels": (0, 21),
        "--everything": (24, 96),
    }
    assert [limit["lift"] for limit in document["limits"]] == list(found)
    assert json.loads((out / "report.json").read_text())["limits"] == document["limits"]
    page = (out / "report.html").read_text()
    for limit in results.limits:
        assert limit.what in page
    assert any("in part only: 35 of 83 nodes" in alert.evidence for alert in results.verdict.alerts)


def test_the_page_of_a_deep_network_shows_a_few_layers_and_every_node_in_its_file(deep):
    results, document, out = deep
    assert len(document["nodes"]) == WIDTH * (DEPTH - 1) + 3
    kinds = {row["kind"] for row in document["nodes"]}
    assert kinds <= {*KINDS, "unsampled"}
    assert "unsampled" in kinds
    assert len(list((out / "figures").glob("distributions-*.png"))) == 6
    assert f"Figures show 6 of the {DEPTH} layers" in (out / "report.html").read_text()
    assert len(document["prototypes"]) == DEPTH
    unsampled = [row for row in document["nodes"] if row["kind"] == "unsampled"]
    assert all(row["distance"] is None and row["whitening"] is None and row["mean"] is not None for row in unsampled)
    assert sum("coherent nodes than chance gives" in finding for finding in results.verdict.findings) == 1


@pytest.mark.usefixtures("few_draws")
def test_a_stage_says_what_it_left_out(deep, capsys):
    _, _, out = deep
    assert main(["fit", "--out", str(out), "--nodes-per-layer", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = "only 18 of 83 nodes of all layers with mixtures, prototypes and centroids: 2 of each layer, drawn at "
    assert any(line.startswith(expected) and line.endswith("(--nodes-per-layer)") for line in lines)


def test_networks_that_run_a_step_at_a_time_have_caps_by_their_work():
    """Twice as long sequences halve the inputs; `--everything` lifts all, and a quick look takes a fourth."""
    gates = [replace(one, kind="gate", layout="steps") for one in layers(5, 16)]
    works = 10**6, 2 * 10**6, 10**9
    inputs = [settled(Limits(), gates, 360, lambda work=work: work).inputs for work in works]
    assert inputs[0] == pytest.approx(2 * inputs[1], rel=0.01)
    assert inputs[2] == limits.LEAST_INPUTS
    quick = settled(Limits(quick=True), gates, 360, lambda: 10**6)
    assert quick.inputs == pytest.approx(inputs[0] / limits.QUICK_SHARE, rel=0.01)
    assert settled(Limits(everything=True), gates, 360, lambda: 10**6) == Limits(everything=True)
