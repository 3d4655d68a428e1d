"""What a user writes: every public name of `interp`, from public names alone; it runs, and type checkers accept it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

import interp

rng = np.random.default_rng(0)
x = rng.normal(size=(80, 6)).astype(np.float32)
y = (x[:, 0] > 0).astype(np.int64)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))


def of_arrays() -> None:
    """Call the functions of plain arrays."""
    z = x @ np.eye(6, 3, dtype=np.float32)
    fit = interp.fit_gaussians(z, y, interp.GaussianOptions(components=2))
    found = interp.classify_boundaries(fit, interp.Thresholds(epsilon=0.5))
    rows = [interp.LayerRows(z, x, x)]
    options = interp.PrototypeOptions(exemplars=2)
    prototypes = interp.find_prototypes(rows, z, np.arange(len(z)), fit, found, "relu", options=options)
    known = interp.LabelledInputs(x, y, y)
    sizes = interp.ClusterOptions(repetitions=2)
    match = interp.match_clusters(known, known, prototypes.layer_input, prototypes.effective_count, 3, sizes)
    assert match.k == 3


def of_networks(folder: Path) -> None:
    """Call the functions of a network and its data."""
    data: interp.Dataset | None = interp.load_dataset(interp.stream((x, y)), interp.DataOptions(offline=True))
    model: interp.LoadedModel
    model, data = interp.load_model(net, data, interp.LoadOptions(scaling="raw"))
    assert data is not None
    split: interp.Split = data.train
    provenance = interp.Provenance(model.digest, data.digest, 0, {}, {})
    with interp.as_found(net):
        interp.record_activations(model, data, folder / "activations.h5", provenance)
        with interp.open_recording(folder / "activations.h5") as recording:
            ranges = {name: interp.Ranges(*found) for name, found in recording.output_range.items()}
            means = dict(recording.output_mean)
        quick = interp.InterventionOptions(levels=1, curve_levels=0, control_samples=20, control_shuffles=1)
        effects = interp.intervene(model, data, ranges, means, quick)
        few = interp.AttributionOptions(samples=20, steps=4, repetitions=10)
        scores = interp.attribute(model, model.layers[0], split, few)
    assert len(effects.table) > 0
    assert scores.conductance.shape == (5,)
    assert interp.Edit(after=torch.relu).after is not None


def of_runs(folder: Path) -> None:
    """Run everything, by stages and through the front door."""
    quick = interp.InterventionOptions(levels=1, curve_levels=0, control_samples=20, control_shuffles=1)
    options = interp.Options(clusters=interp.ClusterOptions(repetitions=2), interventions=quick, directions=2)
    run = interp.start(net, folder / "run", (x, y), options=options)
    with interp.as_found(net):
        results: interp.Results = interp.run_all(run)
    interp.write_report(results, folder / "page", "user_script.py")
    print(interp.export(folder / "run", "npz", layers=["0"]).name)
    found: interp.Analysis = interp.analyse(net, (x, y), stages=["boundaries"], seed=1, epsilon=0.3)
    print(found.nodes.loc["0:3", "kind"], found.layers["nodes"].sum(), found.node("0:3").facts["kind"])


def of_networks_together() -> None:
    """Hold a network against conditions, and two beside each other."""
    print(interp.check(net, (x, y), fail_on="train_score<0.1", scaling="raw").passed)
    print(interp.compare(net, net, data=(x, y), brief=True, scaling="raw").pairs.shape)


def errors() -> None:
    """Meet each kind of error."""
    kinds = (interp.CheckpointError, interp.DataError, interp.MismatchError, interp.UsageError)
    assert all(issubclass(kind, interp.InterpError) for kind in kinds)
    try:
        interp.analyse("no-such-file.pt", (x, y))
    except interp.CheckpointError as error:
        print(error)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        of_arrays()
        of_networks(Path(name))
        of_runs(Path(name))
        of_networks_together()
        errors()
