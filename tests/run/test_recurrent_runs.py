"""Small recurrent networks through every stage and onto the page."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.analysis import ClusterOptions, GaussianOptions
from interp.interventions import InterventionOptions
from interp.report import write_report
from interp.report.drawing.style import placeholder
from interp.run import run_all, run_stages, start
from interp.run.settings.limits import Limits
from interp.store import open_recording
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions
from tests.checkpoints.inference.recurrent.networks import made
from tests.network.recurrent.plain import plain_layers
from tests.tiny_runs import QUICK

NAMES = ("rnn", "rnn words", "lstm", "gru")
WITHOUT_PADDING = ("gru max", "lstm two ways")
TINY = replace(
    QUICK,
    gaussians=GaussianOptions(components=1),
    clusters=ClusterOptions(repetitions=1, rows=40),
    interventions=InterventionOptions(levels=3, curve_levels=3, control_shuffles=1, control_samples=20, inputs=40),
    attribution=AttributionOptions(samples=8, steps=2, repetitions=5),
    reading=ReadingOptions(samples=30, images=20, read_copies=2),
    directions=1,
    limits=Limits(nodes_per_layer=2, swept_layers=2, single_nodes=1),
)
UNREAD = replace(TINY, reading=replace(TINY.reading, work=1))
"""Options that leave reading out, which takes as long as all other stages."""


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("name", NAMES)
def test_every_stage_and_the_page(name, tmp_path, monkeypatch):
    """Gates are recorded as a plain loop gives them, all of them are on the page, and a no-op changes nothing."""
    monkeypatch.setattr("interp.report.drawing.pictures.drawn", lambda figure: placeholder("-"))
    run, splits = started(name, tmp_path, TINY if name == "rnn" else UNREAD)
    results = run_all(run)
    write_report(results, run.out, "")
    page = (run.out / "report.html").read_text(encoding="utf-8")
    report = json.loads((run.out / "report.json").read_text(encoding="utf-8"))
    gates = [layer.name for layer in run.model.layers if layer.is_stepwise]
    assert all(name in page for name in gates)
    assert {node["layer"] for node in report["nodes"]} == {layer.name for layer in run.model.layers}
    assert set(results.boundaries) == {layer.name for layer in run.model.layers}
    if "lengths_train" in splits:
        assert all("padding" in results.reading[gate].skipped for gate in gates)
    else:
        assert name != "rnn" or results.reading["rnn.l0.hidden"].skipped == ""
        _check_gates(run, splits, made(name)[0])
    _check_no_ops(results.effects)


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("name", WITHOUT_PADDING)
def test_recorded_gates_are_those_of_a_plain_loop_and_a_no_op_changes_nothing(name, tmp_path):
    run, splits = started(name, tmp_path, UNREAD)
    _check_no_ops(run_stages(run, ["intervene"])["intervene"])
    _check_gates(run, splits, made(name)[0])


def started(name, folder, options):
    """Give a run of a network of a kind on some of its data, and these."""
    network, data = made(name)
    splits = {f"{key}_train": values[40:100] for key, values in data.items()}
    splits |= {f"{key}_test": values[:40] for key, values in data.items()}
    return start(network, folder / "out", splits, options=options), splits


def _check_gates(run, splits, network):
    for split in ("train", "test"):
        x = torch.from_numpy(np.asarray(splits[f"x_{split}"]))
        read = network.embedding(x).detach().numpy()
        wanted, _ = plain_layers(network.rnn, run.model.scaling(read).astype(float))
        with open_recording(run.path("record"), split) as recording:
            for gate, z in wanted.items():
                found = recording.z[f"rnn.{gate}"][:]
                np.testing.assert_allclose(found, z.reshape(found.shape), atol=1e-5)


def _check_no_ops(effects):
    swept = effects.whole_layers
    no_ops = swept[(swept["intervention"] == "scale") & (swept["level"] == 1)]
    assert len(no_ops)
    for _, rows in no_ops.groupby("split"):
        assert rows["score"].nunique() == 1  # to the last bit, whatever the layer
