"""Bare state dicts of text classifiers through every stage and onto the page, and through `inspect`."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions
from interp.cli.main import main
from interp.interventions import InterventionOptions
from interp.report import write_report
from interp.report.drawing.style import placeholder
from interp.run import run_all, start
from interp.run.settings.limits import Limits
from interp.store import open_recording
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions
from tests.checkpoints.inference.text.networks import STEPS, Bag, TextCnn, sentences, trained
from tests.tiny_runs import QUICK

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


def planted(name, folder):
    """Write the tensors of a small trained network and its data; give it, the arrays and the paths."""
    torch.manual_seed(0)
    x, y, lengths = sentences(phrases=name == "cnn", least=STEPS if name == "cnn" else 4)
    network = trained(TextCnn((2, 3), 4) if name == "cnn" else Bag(hidden=5, own_bag=True), x, y, lengths)
    torch.save(network.state_dict(), folder / "net.pt")
    arrays = {"x": x, "y": y} if name == "cnn" else {"x": x, "y": y, "lengths": lengths}
    splits = {f"{key}_train": values[40:200] for key, values in arrays.items()}
    splits |= {f"{key}_test": values[:40] for key, values in arrays.items()}
    np.savez(folder / "tokens.npz", **splits)
    return network, splits, (folder / "net.pt", folder / "tokens.npz")


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("name", ["bag", "cnn"])
def test_every_stage_and_the_page(name, tmp_path, monkeypatch):
    """All nodes are on the page, filters are recorded at every time as the convolution gives them, a no-op is one."""
    monkeypatch.setattr("interp.report.drawing.pictures.drawn", lambda figure: placeholder("-"))
    network, splits, (path, tokens) = planted(name, tmp_path)
    run = start(path, tmp_path / "out", str(tokens), LoadOptions(activation="relu"), options=TINY)
    results = run_all(run)
    write_report(results, run.out, "")
    page = (run.out / "report.html").read_text(encoding="utf-8")
    report = json.loads((run.out / "report.json").read_text(encoding="utf-8"))
    names = ["convs.0", "convs.1", "fc"] if name == "cnn" else ["fc1", "fc"]
    assert [layer.name for layer in run.model.layers] == names
    assert {node["layer"] for node in report["nodes"]} == set(names)
    assert f"sequences of tokens.npz, {'' if name == 'cnn' else 'up to '}{STEPS} tokens each" in page
    if name == "cnn":
        _check_filters(run, splits, network)
    swept = results.effects.whole_layers
    no_ops = swept[(swept["intervention"] == "scale") & (swept["level"] == 1)]
    assert len(no_ops)
    assert all(rows["score"].nunique() == 1 for _, rows in no_ops.groupby("split"))


def _check_filters(run, splits, network):
    assert run.model.inferred["convolutions"].value == "not padded"
    with torch.no_grad():
        values = network.embedding(torch.from_numpy(splits["x_test"])).transpose(1, 2)
        wanted = {f"convs.{place}": conv(values).transpose(1, 2) for place, conv in enumerate(network.convs)}
    with open_recording(run.path("record"), "test") as recording:
        for layer, z in wanted.items():
            np.testing.assert_allclose(recording.z[layer][:], z.reshape(-1, z.shape[2]), atol=1e-5)


@pytest.mark.parametrize("name", ["bag", "cnn"])
def test_inspect_opens_them_and_says_how_they_are_read(name, tmp_path, capsys):
    _, _, (path, tokens) = planted(name, tmp_path)
    assert main(["inspect", str(path), "--data", str(tokens), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["inferred"]["readout"]["value"] == ("maximum over steps" if name == "cnn" else "mean over steps")
    assert found["inferred"]["readout"]["confidence"] in ("likely", "uncertain")
    assert ("order" in found["inferred"]) == (name == "cnn")


def test_a_file_of_another_width_is_refused_in_one_line(tmp_path, capsys):
    network, _, (path, tokens) = planted("cnn", tmp_path)
    torch.save({**network.state_dict(), "fc.weight": torch.ones(3, 5)}, path)
    assert main(["inspect", str(path), "--data", str(tokens)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "found 5 inputs of fc behind convolutions of 8 filters" in said
