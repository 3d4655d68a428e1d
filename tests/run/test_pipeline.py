"""The whole path on a tiny network: every stage, its files, its refusals, and the same numbers twice."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import quick
import torch
from run.planted import GIVEN, QUICK, planted_data, planted_network
from torch import nn

from interp.errors import MismatchError, UsageError
from interp.recording import record_activations
from interp.report.page import write_report
from interp.run.fingerprint import stage_provenance
from interp.run.pipeline import read_run, run_all, run_stage
from interp.run.resumption import resume
from interp.run.run import start
from interp.run.timings import TIMINGS

pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def results(folder):
    data, checkpoint = planted_data(folder / "data.npz"), planted_network(folder / "net.pt")
    run = start(checkpoint, folder / "out", str(data), GIVEN, options=QUICK)
    with quick.few_draws():
        return run, run_all(run)


def test_planted_nodes_are_found(results):
    _, found = results
    boundaries = found.boundaries["a"]
    assert (boundaries.distance[:3] < 0.25).all()  # of 200 samples: too few for a label
    assert boundaries.kind.tolist() == ["undecided"] * 3 + ["dead"] * 2
    assert found.model.scores["test"] > 0.95
    centres = found.prototypes["a"].layer_input["component"]
    for node in range(3):
        assert centres[node, node] == pytest.approx(6, abs=0.4)


def test_dead_nodes_have_no_prototype_and_ablating_them_changes_nothing(results):
    _, found = results
    assert np.isnan(found.prototypes["a"].layer_input["component"][3:]).all()
    table = found.effects.single_nodes
    dead = table[(table["layer"] == "a") & (table["node"] >= 3)]
    assert set(dead["intervention"]) == {"zero-ablation", "mean-ablation"}
    assert (dead["difference"] == 0).all()


def test_every_sweep_holds_an_exact_no_op(results):
    _, found = results
    table = found.effects.whole_layers
    for kind, level in (("scale", 1.0), ("clip", np.nan), ("offset", 0.0)):
        rows = table[(table["intervention"] == kind) & table["no_op"]]
        assert np.array_equal(rows["level"], [level] * 4, equal_nan=True)
        assert len(rows) == 4, "two layers, two splits"
        assert (rows["score"] == rows["split"].map(found.effects.baseline)).all()
        assert (rows["p_value"] == 1).all()


def test_stages_write_their_files_and_nothing_else(results):
    run, _ = results
    assert {path.name for path in run.out.iterdir()} == {stage.file for stage in run.stages.values()} | {TIMINGS}


def test_files_give_the_results_back(results):
    run, found = results
    again = read_run(resume(run.out, QUICK))
    assert again.effects.table.equals(found.effects.table)
    assert again.effects.control.equals(found.effects.control)
    np.testing.assert_array_equal(again.fits["a"].histogram, found.fits["a"].histogram)
    assert again.verdict == found.verdict


def test_same_seed_same_numbers(results, tmp_path):
    run, found = results
    other = start(run.model.path, tmp_path / "again", run.data, GIVEN, options=QUICK)
    again = run_all(other)
    assert again.effects.table.equals(found.effects.table)
    assert again.effects.control.equals(found.effects.control)
    for layer in found.fits:
        np.testing.assert_array_equal(again.fits[layer].bic, found.fits[layer].bic)
        np.testing.assert_array_equal(again.boundaries[layer].share_low, found.boundaries[layer].share_low)
        np.testing.assert_array_equal(again.clusters[layer][0].centroids, found.clusters[layer][0].centroids)


@pytest.mark.usefixtures("blank_figures")
def test_page_and_json_agree(results, tmp_path):
    _, found = results
    write_report(found, tmp_path, "python -m interp.report net.pt")
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["model"]["widths"] == [4, 5, 3]
    assert document["layers"][0]["kinds"] == {"coherent": 0, "adhoc": 0, "undecided": 3, "one-sided": 0, "dead": 2}
    assert found.verdict.headline in (tmp_path / "report.html").read_text()


def test_a_stage_refuses_another_models_files(results, folder, tmp_path):
    run, _ = results
    other = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
    torch.save(other.state_dict(), tmp_path / "other.pt")
    strange = start(tmp_path / "other.pt", run.out, str(folder / "data.npz"), GIVEN, options=QUICK)
    before = {path.name: path.read_bytes() for path in run.out.iterdir()}
    with pytest.raises(UsageError, match=r"results of another model \(.*net\.pt\).*--overwrite"):
        run_stage(strange, strange.stage("fit"))
    assert {path.name: path.read_bytes() for path in run.out.iterdir()} == before


def test_a_stage_without_its_input_names_the_command(results, tmp_path):
    run, _ = results
    fresh = start(run.model.path, tmp_path, run.data, GIVEN, options=QUICK)
    with pytest.raises(MismatchError, match=r"no such file.*python -m interp record"):
        run_stage(fresh, fresh.stage("fit"))


def test_changed_checkpoint_is_noticed_on_resume(folder, tmp_path):
    data, checkpoint = folder / "data.npz", planted_network(tmp_path / "net.pt")
    run = start(checkpoint, tmp_path / "out", str(data), GIVEN, options=QUICK)
    run_stage(run, run.stage("record"))
    torch.save({"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}, checkpoint)
    with pytest.raises(MismatchError, match="another model"):
        resume(tmp_path / "out", QUICK)


@pytest.mark.parametrize("said", [None, True, "x", [["scaling", "raw"]], {"scaling": [1]}, {"format": True}, {"x": 1}])
def test_a_recording_whose_options_are_of_other_types_is_refused_on_resume(said, folder, tmp_path):
    run = start(planted_network(tmp_path / "net.pt"), tmp_path / "out", str(folder / "data.npz"), GIVEN, options=QUICK)
    made = stage_provenance(run, run.stage("record"))
    record_activations(run.model, run.data, run.path("record"), replace(made, settings={**made.settings, "load": said}))
    with pytest.raises(MismatchError, match=r"activations.h5: found no model and data; expected those it was made of"):
        resume(run.out, QUICK)


def test_data_must_be_named(tmp_path):
    with pytest.raises(UsageError, match="pass --data"):
        start(planted_network(tmp_path / "net.pt"), tmp_path)


def made_data():
    """Give the planted data, as a callable of the user's own does."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 4)).astype(np.float32), rng.integers(0, 3, 20)


@pytest.mark.parametrize(
    ("load", "data", "named"),
    [
        (replace(GIVEN, allow_pickle=True), "data.npz", "--allow-pickle"),
        (GIVEN, "run.test_pipeline:made_data", "--data run.test_pipeline:made_data"),
    ],
)
def test_a_recording_does_not_choose_what_is_run(load, data, named, tmp_path):
    """Whoever sends a folder of files could name any code in it."""
    data = data if ":" in data else str(planted_data(tmp_path / data))
    run = start(planted_network(tmp_path / "net.pt"), tmp_path / "out", data, load, options=QUICK)
    run_stage(run, run.stage("record"))
    with pytest.raises(UsageError, match=f"a recording made with {named}; expected the same on this command"):
        resume(tmp_path / "out", QUICK)
    assert resume(tmp_path / "out", QUICK, load, data).data.name == data


def test_a_damaged_recording_is_refused_by_stages_and_made_anew(tmp_path):
    checkpoint, data = planted_network(tmp_path / "net.pt"), str(planted_data(tmp_path / "data.npz"))
    run = start(checkpoint, tmp_path / "out", data, GIVEN, options=QUICK)
    run_stage(run, run.stage("record"))
    whole = run.path("record").read_bytes()
    with h5py.File(run.path("record"), "r+") as file:
        values = file["train/z/a/values"]
        values[:100] = -values[:100]
    with pytest.raises(
        MismatchError, match=r"damaged values of a, block 1 of 1, rows 0 to 199 of train; .* run `.* record`"
    ):
        run_stage(run, run.stage("fit"))
    run_stage(run, run.stage("record"))
    assert run.path("record").read_bytes() == whole
    run_stage(run, run.stage("fit"))
