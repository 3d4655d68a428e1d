"""The front door: what `analyse` finds is what the command line finds, and it leaves no trace."""

import gc
import inspect
import json
import re
from pathlib import Path

import live_networks
import numpy as np
import pandas as pd
import pytest
import quick
import torch
from live_networks import CNN, MLP, Restless, TwoInputs, ViT, digits, trained
from module_states import same, state_of

import interp
from interp.api.options import OWN, Said
from interp.checkpoints import as_found
from interp.cli.main import main
from interp.errors import InterpError, UsageError
from interp.report.document.document import document
from interp.run import all_settings, data_options_from, load_options_from, options_from
from interp.types.shown import LONGEST

pytestmark = pytest.mark.usefixtures("few_draws")

QUICK = {
    "levels": 1,
    "curve_levels": 2,
    "read_copies": 2,
    "inputs": 60,
    "single_nodes": 4,
    "swept_layers": 2,
    "nodes_per_layer": 12,
    "scaling": "raw",
}
FEWER = {ViT: {"nodes_per_layer": 4, "single_nodes": 2, "swept_layers": 1}}
"""Networks whose layers are many or slow -> what is looked at in addition to `QUICK`."""


# --------------------------------------------------------------------------- the same numbers


def numbers(found):
    """Give what report.json says, without names of files and of what is in memory."""
    for key in ("path", "format", "digest"):
        del found["model"][key]
    del found["model"]["inferred"]["architecture"], found["provenance"]
    data = found["data"].pop("name")
    for said in found["verdict"]["answers"]:
        said["answer"] = said["answer"].replace(f" of {Path(data).name}", "")
    for said in (*found["verdict"]["answers"], *found["alerts"]):
        del said["command"]
    for made in found["stages"]:
        del made["fingerprint"]
    for section in ("model", "reproduce"):
        found.get("sections", {}).pop(section, None)
    return found


def saved(kind, folder):
    """Save a network's weights, and its data."""
    torch.save(live_networks.state(kind), folder / "net.pt")
    inputs, labels = digits(kind)
    np.savez(folder / "data.npz", **(inputs if isinstance(inputs, dict) else {"x": inputs}), y=labels)
    return {"model": f"live_networks:{kind.__name__}", **QUICK, **FEWER.get(kind, {})}


@pytest.mark.parametrize("kind", [CNN, ViT, TwoInputs])  # an MLP: the page that is saved, below
def test_a_module_in_memory_has_the_numbers_of_its_file_and_is_left_as_it_was(kind, tmp_path):
    network, data = trained(kind), digits(kind)
    before = state_of(network)
    found = interp.analyse(network, data, **QUICK | FEWER.get(kind, {}))
    assert same(before, state_of(network))
    assert found.model.module is network or kind is TwoInputs  # never copied; its two inputs are cut by a wrapper
    said = saved(kind, tmp_path)
    options = interp.start(tmp_path / "net.pt", tmp_path / "filed", str(tmp_path / "data.npz"), *options_of(said))
    filed = interp.run_all(options)
    assert numbers(document(found.results)) == numbers(document(filed))


def options_of(said):
    return load_options_from(said), data_options_from(said), options_from(said)


@pytest.mark.usefixtures("blank_figures")
def test_the_page_that_is_saved_is_that_of_the_command(found, tmp_path, monkeypatch):
    said = saved(MLP, tmp_path)
    monkeypatch.chdir(tmp_path)
    words = [word for name, value in said.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["report", "net.pt", "--data", "data.npz", "--out", "filed", *words]) == 0
    assert found.save("live") == Path("live/report.html")
    pages = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("live", "filed")]
    assert numbers(pages[0]) == numbers(pages[1])
    files = [{path.name for path in (tmp_path / name).rglob("*")} for name in ("live", "filed")]
    assert files[0] == files[1]
    assert "interp.analyse(&lt;MLP&gt;, &lt;tuple&gt;, levels=1," in (tmp_path / "live" / "report.html").read_text()


def test_tensors_are_arrays():
    """Whatever the data are given as, the digest and the tables are the same."""
    x, y = digits(MLP)
    given = ((x, y), {"x_train": torch.from_numpy(x), "y_train": torch.from_numpy(y)})
    first, second = (interp.analyse(trained(MLP), data, stages=["boundaries"], scaling="raw") for data in given)
    assert first.data.digest == second.data.digest
    pd.testing.assert_frame_equal(first.nodes, second.nodes)


# --------------------------------------------------------------------------- no trace


@pytest.mark.parametrize("call", [1, 4, 40])
def test_an_exception_in_mid_forward_leaves_everything_as_it_was(call, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    network = Restless(fail_at=call)
    network.load_state_dict(live_networks.state(MLP), strict=False)
    before = state_of(network)
    with pytest.raises((ZeroDivisionError, InterpError), match="in mid-forward"):
        interp.analyse(network, digits(MLP), **QUICK)
    assert same(before, state_of(network))
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_draws_at_random_is_left_as_it_was():
    network = Restless().train()
    network.load_state_dict(live_networks.state(MLP), strict=False)
    before = state_of(network)
    found = interp.analyse(network, digits(MLP), stages=["intervene"], **QUICK)
    assert same(before, state_of(network))
    torch.manual_seed(5)
    again = interp.analyse(network, digits(MLP), stages=["intervene"], **QUICK)
    pd.testing.assert_frame_equal(found.effects, again.effects)


def test_a_failing_test_would_be_seen():
    """Outside `as_found` the same run changes the network: the comparison can fail."""
    network = Restless().train()
    before = state_of(network)
    with as_found(network):
        network(torch.zeros(3, 64))
    assert same(before, state_of(network))
    network(torch.zeros(3, 64))
    assert not same(before, state_of(network))


# --------------------------------------------------------------------------- what is given


@pytest.fixture(scope="module")
def found():
    """Give everything about one small network, which is left as it was."""
    network, data = trained(MLP), digits(MLP)
    before = state_of(network)
    with quick.few_draws():
        found = interp.analyse(network, data, **QUICK)
    assert same(before, state_of(network))
    assert found.model.module is network
    return found


def test_nodes(found):
    nodes = found.nodes
    assert list(nodes.index) == [f"fc1:{i}" for i in range(12)] + [f"fc2:{i}" for i in range(4)]
    boundaries = found.results.boundaries["fc1"]
    np.testing.assert_array_equal(nodes["kind"][:12], boundaries.kind)
    np.testing.assert_array_equal(nodes["distance"][:12], boundaries.distance)
    prototypes = found.results.prototypes["fc1"]
    np.testing.assert_array_equal(nodes["nearest_input"][:12], prototypes.exemplars["nearest"][:, 0])
    table = found.effects
    both = table[(table["layer"] == "fc1") & (table["intervention"] == "zero-ablation")]
    tested = found.results.effects.tested_nodes["split"].iloc[0]
    own, trained = both[both["split"] == tested], both[both["split"] != tested]
    assert len(own) == len(trained) == 4, "as many as are drawn"
    drawn = nodes.loc[[f"fc1:{node}" for node in own["node"]]]
    np.testing.assert_array_equal(drawn["zero_ablation"], own["difference"])
    np.testing.assert_array_equal(drawn["zero_ablation_q_value"], own["q_value"])
    np.testing.assert_array_equal(drawn["zero_ablation_training"], trained["difference"])
    assert nodes["zero_ablation"].notna().sum() == 8, "of both layers; the others are not known"
    assert nodes["conductance"].notna().sum() == 12


def test_the_tables_have_the_columns_that_their_descriptions_name(found):
    for name, plain in (("nodes", {"mean_ablation", "zero_ablation"}), ("layers", set())):
        described = set(re.findall(r"``(\w+)``", inspect.getdoc(getattr(interp.Analysis, name))))
        effects = found.results.effects
        from_effects = set((effects.node_levels if name == "nodes" else effects.tolerance).columns)
        with_ends = {f"{column}{end}" for column in plain for end in ("_low", "_high", "_p_value", "_q_value")}
        columns = set(getattr(found, name).columns)
        assert columns - from_effects - with_ends <= described
        assert {word for word in described if not word.startswith("_")} - columns <= {
            *("coherent", "adhoc", "undecided", "dead", "unsampled", "intervene"),
        }


def test_layers(found):
    layers = found.layers
    assert layers.index.tolist() == ["fc1", "fc2"]
    assert layers["nodes"].tolist() == [12, 4]
    kinds = layers[["coherent", "adhoc", "undecided", "one_sided", "dead", "unsampled"]]
    assert kinds.sum(axis=1).tolist() == [12, 4]
    assert layers.loc["fc1", "rank_correlation"] == found.results.attribution["fc1"].rank_correlation
    given = found.results.effects.tolerance.query("network == 'given'").set_index("layer")
    assert layers["ratio"].equals(given["ratio"])


def test_a_node(found):
    node = found.node("fc1:3")
    assert (node.name, node.layer.name, node.node) == ("fc1:3", "fc1", 3)
    assert node.facts["kind"] == found.nodes.loc["fc1:3", "kind"]
    assert node.mixture["weight"].sum() == pytest.approx(1)
    assert node.classes["rows"].sum() == node.histogram["rows"].sum() == len(found.data.train)
    fit = found.results.fits["fc1"]
    assert (node.histogram["low"].iloc[0], node.histogram["high"].iloc[-1]) == (fit.minimum[3], fit.maximum[3])
    np.testing.assert_array_equal(
        node.prototypes["nearest"], found.results.prototypes["fc1"].network_input["nearest"][3]
    )
    drawn = found.node(found.nodes["zero_ablation"].first_valid_index())
    assert set(drawn.effects["intervention"]) == {"zero-ablation", "mean-ablation"}
    assert (drawn.curves["node"] == drawn.node).all()
    assert "fc1:3" in node._repr_html_()


def test_prototypes_of_images_are_images():
    found = interp.analyse(trained(CNN), digits(CNN), stages=["prototypes"], scaling="raw")
    assert found.node("conv:2").prototypes["nearest"].shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fc3:1", "did you mean fc2 or fc1|did you mean fc1 or fc2"),
        ("fc1:12", "node fc1:12: found node '12' of fc1; expected 0 to 11"),
        ("fc1:x", "expected 0 to 11"),
        ("fc1", "expected 0 to 11"),
        ("", "expected one of fc1, fc2"),
    ],
)
def test_nodes_that_do_not_exist(found, name, message):
    with pytest.raises(UsageError, match=message):
        found.node(name)


def test_recorded_values_stay_at_hand(found):
    with found.recording() as recording:
        assert recording.z["fc1"].shape == (160, 12)
        np.testing.assert_allclose(np.mean(recording.z["fc1"], axis=0), found.nodes["mean"][:12], rtol=1e-5)


def test_stages_that_are_named_bring_those_they_need():
    found = interp.analyse(trained(MLP), digits(MLP), stages=["boundaries"], scaling="raw")
    assert list(found.found) == ["record", "fit", "boundaries"]
    assert "kind" in found.nodes
    assert "zero_ablation" not in found.nodes
    for name in ("effects", "verdict", "results"):
        with pytest.raises(UsageError, match=r"no stage '\w+' among record, fit, boundaries; expected it to have been"):
            getattr(found, name)
    assert "boundaries:" in found._repr_html_()
    assert found.node("fc2:1").effects.empty


def test_some_stages_are_saved_without_a_page(tmp_path):
    found = interp.analyse(trained(MLP), digits(MLP), stages="fit", scaling="raw")
    assert found.save(tmp_path / "here") == tmp_path / "here"
    assert {path.name for path in (tmp_path / "here").iterdir()} == {"activations.h5", "gaussians.h5", "timings.json"}


def test_a_notebook_shows_the_verdict_and_figures(found):
    shown = found._repr_html_()
    assert found.verdict.headline.replace("'", "&#x27;") in shown
    assert shown.count("<img src=") == 3
    assert len(shown) < 500_000
    for line in found.verdict.alerts:
        assert line.evidence.split(":")[0] in shown


def test_what_comes_from_names_is_escaped():
    class Evil(MLP):
        pass

    Evil.__name__ = "<script>alert(1)</script>"
    network = Evil()
    network.load_state_dict(live_networks.state(MLP))
    shown = interp.analyse(network, digits(MLP), stages="fit", scaling="raw")._repr_html_()
    assert "<script>" not in shown


def test_every_result_is_shown_in_one_short_line(found):
    results = found.results
    parts = [found, results, results.model, results.data, results.data.train, results.verdict, results.effects]
    parts += [results.provenance, found.run, found.node("fc1:0"), results.model.scaling, *results.model.layers]
    parts += [
        part for name in ("fits", "boundaries", "prototypes", "attribution") for part in getattr(results, name).values()
    ]
    parts += [match for matches in results.clusters.values() for match in matches]
    parts += [*results.model.inferred.values(), *results.limits]
    with found.recording() as recording:
        parts.append(recording)
        for part in parts:
            assert len(repr(part)) <= LONGEST, type(part)
            assert "\n" not in repr(part)
            assert repr(part).startswith(type(part).__name__)


# --------------------------------------------------------------------------- folders


def test_a_temporary_folder_goes_with_the_result(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = interp.analyse(trained(MLP), digits(MLP), stages="fit", scaling="raw")
    assert len(list(tmp_path.iterdir())) == 1
    del result
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_is_gone_on_from(tmp_path, capsys):
    for said in ("", "unchanged in gaussians.h5"):
        interp.analyse(trained(MLP), digits(MLP), stages="fit", out=tmp_path, progress=True, scaling="raw")
        assert said in capsys.readouterr().err
    other = trained(MLP)
    with torch.no_grad():
        other.fc1.bias += 1
    with pytest.raises(UsageError, match="results of another model"):
        interp.analyse(other, digits(MLP), stages="fit", out=tmp_path, scaling="raw")
    interp.analyse(other, digits(MLP), stages="fit", out=tmp_path, overwrite=True, scaling="raw")


def test_what_was_in_memory_is_not_opened_again_from_its_folder(tmp_path, capsys):
    interp.analyse(trained(MLP), digits(MLP), stages="fit", out=tmp_path, scaling="raw")
    assert main(["boundaries", "--out", str(tmp_path)]) == 2
    assert "found results of <module MLP> on arrays in memory; expected" in capsys.readouterr().err


# --------------------------------------------------------------------------- what is said


def test_keywords_are_the_settings_of_the_command_line():
    assert set(Said.__annotations__) == set(all_settings())
    shown = inspect.signature(interp.analyse).parameters
    assert list(shown) == ["source", "data", *OWN, *Said.__annotations__]
    described = inspect.getdoc(interp.analyse)
    for name in shown:
        assert re.search(rf"^(\w+, )*{name}(, \w+)*$", described, re.M), name


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"epsilom": 1}, "option of analyse: found 'epsilom'.*did you mean epsilon"),
        ({"stage": "fit"}, "did you mean stages"),
        ({"stages": ["fitt"]}, "stage: found 'fitt'.*did you mean fit"),
        ({"stages": 3}, "stages: found 3; expected names"),
        ({"levels": "x"}, "levels: found 'x'; expected int"),
        ({"levels": 0}, "levels: found 0; expected 1 to 10,000"),
        ({"epsilon": float("nan")}, "epsilon: found nan; expected 0 to"),
        ({"everything": 1}, "everything: found 1; expected bool"),
        ({"activation": "rleu"}, "found 'rleu'.*did you mean relu"),
        ({"interventions": ["ofset"]}, "found 'ofset'.*did you mean offset"),
        ({"layers": ["fc"]}, "layer: found 'fc'.*did you mean"),
        ({"nodes": ["fc1:99"]}, "found 'fc1:99'; expected fc1:0 to fc1:11"),
        ({"task": "regresion"}, "did you mean regression"),
        ({"model": "a:b"}, "expected no such option"),
    ],
)
def test_wrong_options_are_refused_in_one_line(said, message):
    with pytest.raises(UsageError, match=message) as refused:
        interp.analyse(trained(MLP), digits(MLP), **said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("source", "data", "message"),
    [
        (3, "digits", "found 3; expected"),
        (None, "digits", "found None; expected"),
        ("no-such-file.pt", "digits", "no such file"),
        (MLP, "digits", "found the class MLP; expected"),
        (torch.nn.ReLU(), "digits", "no linear map"),
        (MLP(), None, "found no data set"),
        (MLP(), ([1, 2], [0, 1]), "inputs of shape"),
        (MLP(), (np.zeros((5, 3)), [0, 1, 0, 1, 0]), "a module that refuses"),
    ],
)
def test_what_is_no_network_or_no_data_is_refused_in_one_line(source, data, message):
    with pytest.raises(InterpError, match=message) as refused:
        interp.analyse(source, data)
    assert "\n" not in str(refused.value)


def test_several_networks():
    """Further networks may be in memory too, and are left as they were."""
    networks = [trained(MLP) for _ in range(3)]
    for number, network in enumerate(networks):
        with torch.no_grad():
            network.fc1.weight += 0.05 * number
    before = [state_of(network) for network in networks]
    found = interp.analyse(networks[0], digits(MLP), others=networks[1:], **QUICK)
    assert found.results.runs.networks["run"].nunique() == 3
    assert all(same(old, state_of(network)) for old, network in zip(before, networks, strict=True))


def test_paths_and_names(tmp_path):
    checkpoint = Path(__file__).parents[1] / "zoo" / "pretrained" / "abs-digits.pt"
    found = interp.analyse(checkpoint, stages="fit", out=tmp_path)
    assert found.data.name == "digits"
    assert main(["boundaries", "--out", str(tmp_path)]) == 0  # named by path: a command goes on from here
    images = (np.random.default_rng(0).random((12, 3, 32, 32), np.float32), np.arange(12) % 3)
    named = interp.analyse("torchvision:squeezenet1_1", images, stages="record", scaling="raw")
    assert named.model.inferred["trained"].value is False
