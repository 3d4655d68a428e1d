"""From a checkpoint file to the curves: ranges as recorded, levels as published, counts of a plain loop."""

from pathlib import Path

import numpy as np
import pytest
import torch

from interp.interventions import InterventionOptions
from interp.run import Options, run_stages, start
from interp.store import open_recording

CHECKPOINTS = Path(__file__).parents[2] / "zoo" / "pretrained"


@pytest.mark.parametrize(("name", "activation"), [("abs", torch.abs), ("relu", torch.relu)])
def test_curves_of_a_trained_network_are_the_definitions(tmp_path, name, activation):
    options = Options(interventions=InterventionOptions(levels=1, ablation=False))
    run = start(CHECKPOINTS / f"{name}-digits.pt", tmp_path, options=options)
    effects = run_stages(run, ["intervene"])["intervene"]
    first, last = run.model.layers
    w1, b1, w2, b2 = (p.detach() for p in run.model.module.parameters())
    x = torch.from_numpy(run.model.scaling(run.data.train.inputs))
    labels = torch.from_numpy(run.data.train.labels)
    z = x @ w1.T + b1
    outputs = activation(z)
    low, high = outputs.amin(0), outputs.amax(0)
    with open_recording(run.path("record")) as recording:
        assert np.allclose(recording.output_range[first.name], torch.stack([low, high]).numpy(), atol=1e-5)
        assert np.allclose(recording.output_mean[first.name], outputs.mean(0).numpy(), atol=1e-5)
    rows = effects.whole_layers[
        (effects.whole_layers["layer"] == first.name) & (effects.whole_layers["split"] == "train")
    ]
    assert last.activation == "identity"
    for row in rows.itertuples():
        s, t, cap = torch.ones_like(high), torch.zeros_like(high), torch.full_like(high, torch.inf)
        if row.intervention == "scale":
            s = torch.full_like(high, row.level)
        elif row.intervention == "offset":
            t = torch.where(high > 0, row.level * (high - low), 0)
            s = torch.where(high > 0, (high - row.level * (high - low)) / high, 1)
        elif np.isfinite(row.level):
            cap = low + row.level * (high - low)
        out = activation(torch.minimum(s * z + t, cap)) @ w2.T + b2
        assert round(row.score * len(x)) == int((out.argmax(1) == labels).sum()), row
    assert effects.baseline["train"] > 0.95
    assert rows["score"].min() < 0.5
