"""Peak memory and time of recording a stream, from 60,000 samples to ten and a hundred times as many.

python benchmarks/streams.py [--samples 60000 600000] [--in-memory]

Each number of samples is read from batches that are drawn as they come, kept on disk and recorded, in a process of its
own. The ratio is the least peak memory over the greatest: 1 where memory does not grow. With ``--in-memory`` the same
samples are recorded as arrays beside it.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from interp.cli import guarded
from interp.data import load_dataset, stream
from interp.network import find_layers
from interp.recording import record_activations
from interp.run.run import versions
from interp.types import LoadedModel, Provenance, Scaling

COLUMNS, CLASSES, BATCH = 64, 10, 1000


def batches(samples):
    """Yield batches of a table with one cluster a class; the same ones each time."""
    centres = np.random.default_rng(0).normal(0, 3, (CLASSES, COLUMNS))
    for start in range(0, samples, BATCH):
        rng = np.random.default_rng([1, start])
        labels = rng.integers(0, CLASSES, min(BATCH, samples - start))
        yield (centres[labels] + rng.normal(size=(len(labels), COLUMNS))).astype(np.float32), labels


def network():
    """Make a network with weights as torch draws them: what it says of the samples takes no part in this."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Linear(COLUMNS, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, CLASSES)
    ).eval()
    layers = find_layers(module, torch.zeros(2, COLUMNS)).layers
    return LoadedModel(module, layers, "drawn", "torch module", "m" * 64, Scaling("raw"), (COLUMNS,), "linear", {})


def measure(samples, in_memory):
    """Record so many samples, and print what that took."""
    begun = time.perf_counter()
    if in_memory:
        x, y = (np.concatenate(part) for part in zip(*batches(samples), strict=True))
        data = load_dataset((x, y))
        del x, y
    else:
        data = load_dataset(stream(lambda: batches(samples)))
    read = time.perf_counter() - begun
    model = network()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "activations.h5")
        record_activations(model, data, path, Provenance(model.digest, data.digest, 0, versions(), {}))
        size = path.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - begun
    print(
        json.dumps({"samples": samples, "peak_mb": peak, "read_s": read, "seconds": seconds, "file_mb": size / 2**20})
    )


def measured(samples, in_memory=False):
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--only", str(samples), *(["--in-memory"] if in_memory else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--samples", type=int, nargs="+", default=[60_000, 600_000])
    known.add_argument("--in-memory", action="store_true")
    known.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = known.parse_args()
    if options.only is not None:
        measure(options.only, options.in_memory)
        return
    found = [measured(samples) for samples in options.samples]
    arrays = [measured(samples, in_memory=True) for samples in options.samples] if options.in_memory else []
    print("streams: read, kept on disk and recorded")
    for kind, rows in (("streamed", found), ("arrays", arrays)):
        for row in rows:
            print(
                f"  {kind} {row['samples']:>10,} samples{row['peak_mb']:>9,.0f} MB peak{row['seconds']:>9.1f} s"
                f"{row['seconds'] / row['samples'] * 1e6:>8.1f} us a sample   file of {row['file_mb']:,.0f} MB"
            )
    peaks = [row["peak_mb"] for row in found]
    each = [row["seconds"] / row["samples"] for row in found]
    line = {"benchmark": "streams", "ratio": min(peaks) / max(peaks), "time_ratio": min(each) / max(each)}
    packages = {name: version(name) for name in ("torch", "numpy", "h5py")}
    known_versions = {"python": platform.python_version(), **packages}
    print(json.dumps({**line, "streamed": found, "arrays": arrays, "versions": known_versions}))


if __name__ == "__main__":
    sys.exit(guarded(main))
