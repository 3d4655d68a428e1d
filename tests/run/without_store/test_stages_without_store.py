"""Runs without stored activations find what runs with them find, and write none."""

from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits

import interp
from interp.checkpoints import LoadOptions
from interp.cli.main import main
from interp.errors import UsageError
from interp.run import Options, remove_run, resume, run_stage, run_stages, start
from interp.run.recorded import recorded
from interp.run.stages import WITHOUT_STORE

STAGES = ["fit", "boundaries", "screen", "prototypes", "clusters", "intervene"]
"""Stages that use what was recorded; the others run the network on the data alone."""

SAID = {
    "scaling": "x/16",
    "quick": True,
    "ablation": False,
    "interventions": ["scale"],
    "curve_levels": 0,
    "nodes_per_layer": 3,
}

CLOSE = {"bic": 1e-6}
"""Field -> largest relative difference, where that is not 1e-10: EM stops at a gain of 1e-8 nats a row."""


def dense():
    return torch.nn.Sequential(
        torch.nn.Linear(64, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 10)
    )


def convolutional():
    return torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, 8, 8)), torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(72, 10),
    )  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return {"train": (x[:300], y[:300]), "test": (x[300:400], y[300:400])}


def differences(name, first, second):
    """Every place at which two results differ, and by how much."""
    if isinstance(first, pd.DataFrame):
        for column in first.columns:
            yield from differences(f"{name}.{column}", first[column].to_numpy(), second[column].to_numpy())
    elif is_dataclass(first):
        for field in fields(first):
            yield from differences(f"{name}.{field.name}", getattr(first, field.name), getattr(second, field.name))
    elif isinstance(first, dict):
        assert list(first) == list(second), name
        for key in first:
            yield from differences(f"{name}[{key}]", first[key], second[key])
    elif isinstance(first, tuple):
        assert len(first) == len(second), name
        for place, pair in enumerate(zip(first, second, strict=True)):
            yield from differences(f"{name}[{place}]", *pair)
    elif isinstance(first, np.ndarray) and first.dtype.kind == "f":
        assert first.shape == second.shape, name
        with np.errstate(invalid="ignore"):
            apart = np.abs(first - second) / np.maximum(np.abs(first), 1)
        same = (first == second) | (np.isnan(first) & np.isnan(second))
        yield from [(name, float(np.max(apart[~same])))] if not same.all() else []
    elif not np.array_equal(first, second) and not (first != first and second != second):
        yield name, float("inf")


@pytest.mark.parametrize("make", [dense, convolutional])
def test_all_stages_find_the_same(make, digits, tmp_path):
    torch.manual_seed(0)
    network, said = make(), {**SAID, "stages": STAGES}
    stored = interp.analyse(network, digits, out=tmp_path / "stored", **said)
    without = interp.analyse(network, digits, out=tmp_path / "without", store=False, **said)
    for stage in STAGES:
        found = list(differences(stage, stored.found[stage], without.found[stage]))
        assert [one for one in found if one[1] > CLOSE.get(one[0].rpartition(".")[2], 1e-10)] == []
    assert without.alerts == stored.alerts
    assert not list((tmp_path / "without").glob("activations*"))
    assert (tmp_path / "without" / "statistics.h5").stat().st_size < 2_000_000
    with stored.recording("test") as first, without.recording("test") as second:
        for layer in first.layers:
            np.testing.assert_array_equal(first.z[layer.name][3:70:7], second.z[layer.name][3:70:7])
            np.testing.assert_array_equal(first.position[layer.name], second.position[layer.name])
        np.testing.assert_array_equal(first.predictions, second.predictions)


def test_a_folder_without_activations_is_opened_again(tmp_path):
    run = start("zoo/pretrained/abs-digits.pt", tmp_path, options=Options(store=False))
    run_stages(run, ["fit"])
    again = resume(tmp_path, Options())
    assert again.stage("record").file == "statistics.h5"
    told = []
    run_stages(again, ["fit"], told.append)
    assert [done.is_reused for done in told] == [True, True]


def test_later_passes_look_at_the_positions_of_the_first_whatever_seed_is_said(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("interp.recording.positions.MOST_ROWS", 4 * 300)
    torch.manual_seed(0)
    network = convolutional()
    first, other = (
        start(network, tmp_path, digits, LoadOptions(scaling="x/16"), options=Options(store=False, seed=seed))
        for seed in (1, 0)
    )
    wanted = run_stages(first, ["fit"])["fit"]
    found = run_stage(other, other.stage("fit"))
    for name, fit in wanted.items():
        np.testing.assert_array_equal(found[name].histogram, fit.histogram)
        np.testing.assert_array_equal(found[name].bic, fit.bic)
    with recorded(first) as mine, recorded(other) as theirs:
        np.testing.assert_array_equal(mine.position["1"], theirs.position["1"])


@pytest.mark.parametrize("before", [True, False])
def test_a_recording_and_statistics_are_not_in_one_folder(before, tmp_path):
    """Further stages would take one of them, which may be the older."""
    first, other = (
        start("zoo/pretrained/abs-digits.pt", tmp_path, options=Options(store=store)) for store in (before, not before)
    )
    run_stages(first, ["record"])
    with pytest.raises(UsageError, match=r"results of a run with.* --overwrite"):
        run_stages(other, ["record"])
    assert first.path("record").exists()
    assert not other.path("record").exists()
    remove_run(tmp_path, [])
    run_stages(other, ["record"])
    assert not first.path("record").exists()


def test_a_stage_of_a_named_network_goes_on_as_its_folder_was_begun(tmp_path, capsys):
    network, out = "zoo/pretrained/abs-digits.pt", ["--out", str(tmp_path)]
    assert main(["record", network, *out, "--no-store"]) == 0
    assert main(["fit", network, *out, "--nodes-per-layer", "2"]) == 0
    assert capsys.readouterr().out.strip().endswith("gaussians.h5")
    assert {path.name for path in tmp_path.glob("*.h5")} == {"statistics.h5", "gaussians.h5"}


def test_every_stage_in_place_of_another_has_its_name():
    from interp.run.find import find_stage, stage_of

    for name, spec in WITHOUT_STORE.items():
        first, second = find_stage(name), stage_of(spec)
        assert (first.name, first.needs) == (second.name, second.needs)
        assert first.file != second.file
