"""Recording every layer to disk: one streamed pass against one full pass a layer, kept in memory and saved.

OMP_WAIT_POLICY=passive python benchmarks/recording.py [--data-root FOLDER]
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch
from perturbed import as_model, finish, parser, pictures, scaled, timed, trained_mlp

from interp.cli import guarded
from interp.network.hooks import tap
from interp.recording import record_activations
from interp.run.run import versions
from interp.store import open_recording
from interp.types import Dataset, Provenance


@torch.no_grad()
def plain(model, data, path):
    """Run everything once a layer, with a hook on it, and save the tensor."""
    x = scaled(model, data.train)
    with h5py.File(path, "w") as file:
        for layer in model.layers:
            with tap(model.module, [layer]) as seen:
                model.module(x)
            file[layer.name] = seen[layer.name].numpy()


def main():
    options = parser(__doc__).parse_args()
    data, source = pictures(options)
    data = Dataset(data.name, {"train": data.train}, data.image_shape, (), (), data.digest)
    model = as_model(trained_mlp(data.train), (784,))
    provenance = Provenance(model.digest, data.digest, 0, versions(), {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ours.h5")
        ours, _ = timed(lambda: record_activations(model, data, path, provenance, 0))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        slow, _ = timed(lambda: plain(model, data, Path(folder, "plain.h5")))
        with open_recording(path) as found, h5py.File(Path(folder, "plain.h5")) as other:
            apart = max(float(np.abs(found.z[name.name][:] - other[name.name][:]).max()) for name in model.layers)
        size = path.stat().st_size / 2**20
    rows = [
        ("plain, a pass a layer", slow, "values only"),
        ("ours", ours, f"{size:.0f} MB with ranges, means and predictions; peak {peak:.0f} MB with the data"),
    ]
    finish("recording", rows, slow, ours, samples=len(data.train), data=source, largest_difference=apart)


if __name__ == "__main__":
    sys.exit(guarded(main))
