"""Peak memory and time of recording a stream, from 60,000 samples to ten and a hundred times as many.

python benchmarks/streams.py [--samples 60000 600000] [--in-memory | --no-store | --slow]

Each number of samples is read from batches that are drawn as they come, kept on disk and recorded, in a process of its
own. The ratio is the least peak memory over the greatest: 1 where memory does not grow; ``time_ratio`` is that of the
processor time of a sample, which other programs on the machine hardly change. With ``--in-memory`` the same
samples are recorded as arrays beside it. With ``--no-store`` neither inputs nor activations are kept: statistics are
gathered, fitted and judged. With ``--slow`` a source that waits for each batch as long as the network takes to work on
it is gathered with and without reading ahead; the ratio is the time without over that with it, two at best.
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

import interp
from interp import streams
from interp.cli import guarded
from interp.data import load_dataset, stream
from interp.network import find_layers
from interp.recording import Block, gather, record_activations
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
    begun, used = time.perf_counter(), time.process_time()
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
    print(
        json.dumps(
            {
                "samples": samples,
                "peak_mb": peak,
                "read_s": read,
                "seconds": time.perf_counter() - begun,
                "cpu_s": time.process_time() - used,
                "file_mb": size / 2**20,
            }
        )
    )


def measure_without_store(samples):
    """Gather the statistics of so many samples, fit and judge them, and print what that took."""
    begun, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = interp.analyse(
            network().module,
            stream(lambda: batches(samples)),
            scaling="raw",
            out=folder,
            store=False,
            stages=["boundaries"],
        )
        assert found.found["record"].splits["train"].samples == samples
        size = Path(folder, "statistics.h5").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "samples": samples,
                "peak_mb": peak,
                "seconds": time.perf_counter() - begun,
                "cpu_s": time.process_time() - used,
                "file_mb": size / 2**20,
            }
        )
    )


def slow(seconds, samples):
    """Yield blocks of a table, each after a wait that takes no processor, as of a disk or a network."""
    for number, (x, y) in enumerate(batches(samples)):
        time.sleep(seconds)
        yield Block(number * BATCH, x, y)


def overlap():
    """Gather a slow source with and without reading ahead, and print both."""
    model, samples = network(), 40 * BATCH
    places = {layer.name: np.zeros((samples, 1), np.int32) for layer in model.layers}
    ready = list(slow(0, samples))
    begun = time.perf_counter()
    gather(model, ready, places)
    each = (time.perf_counter() - begun) / len(ready)
    found = {}
    for name, ahead in (("one after the other", lambda items: (item for item in items)), ("ahead", streams.ahead)):
        sys.modules["interp.recording.gather"].ahead = ahead
        begun, cpu = time.perf_counter(), time.process_time()
        gather(model, slow(each, samples), places)
        wall = time.perf_counter() - begun
        found[name] = {"seconds": wall, "idle": 1 - (time.process_time() - cpu) / wall}
        print(f"  {name:<20}{wall:6.2f} s   processor idle {found[name]['idle']:.0%}")
    ratio = found["one after the other"]["seconds"] / found["ahead"]["seconds"]
    print(json.dumps({"benchmark": "streams, slow", "ratio": ratio, "found": found}))


def measured(samples, kind=""):
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--only", str(samples), *([kind] if kind else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--samples", type=int, nargs="+", default=[60_000, 600_000])
    known.add_argument("--in-memory", action="store_true")
    known.add_argument("--no-store", action="store_true")
    known.add_argument("--slow", action="store_true")
    known.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = known.parse_args()
    if options.slow:
        overlap()
        return
    if options.only is not None:
        measure_without_store(options.only) if options.no_store else measure(options.only, options.in_memory)
        return
    found = [measured(samples, "--no-store" if options.no_store else "") for samples in options.samples]
    arrays = [measured(samples, "--in-memory") for samples in options.samples] if options.in_memory else []
    done = "gathered, fitted and judged without store" if options.no_store else "read, kept on disk and recorded"
    print(f"streams: {done}")
    for kind, rows in (("streamed", found), ("arrays", arrays)):
        for row in rows:
            print(
                f"  {kind} {row['samples']:>10,} samples{row['peak_mb']:>9,.0f} MB peak{row['seconds']:>9.1f} s"
                f"{row['seconds'] / row['samples'] * 1e6:>8.1f} us a sample"
                f"{row['cpu_s'] / row['samples'] * 1e6:>8.1f} us of processor   file of {row['file_mb']:,.0f} MB"
            )
    peaks = [row["peak_mb"] for row in found]
    each = [row["cpu_s"] / row["samples"] for row in found]
    line = {"benchmark": "streams", "ratio": min(peaks) / max(peaks), "time_ratio": min(each) / max(each)}
    packages = {name: version(name) for name in ("torch", "numpy", "h5py")}
    known_versions = {"python": platform.python_version(), **packages}
    print(json.dumps({**line, "streamed": found, "arrays": arrays, "versions": known_versions}))


if __name__ == "__main__":
    sys.exit(guarded(main))
