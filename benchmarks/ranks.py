"""Recording by one to four processes over gloo, each of one thread; a model of what it costs, for docs/scale.md.

python benchmarks/ranks.py [--blocks 72] [--write]

The ratio is that of one process's time to two's. Two cores that do nothing else are needed for it to mean anything;
that of the processor time of the busiest process, ``cpu_ratio``, says on any machine how evenly the work is divided.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import nnls
from torch import nn

from interp.checkpoints import load_module
from interp.cli import guarded
from interp.network.inputs import input_blocks
from interp.ranks import job
from interp.recording import multiply_adds, record_together
from interp.recording.positions import position_counts, samples_a_block
from interp.store import check_recording, open_recording
from interp.types import Provenance

MOST = 4
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- made by benchmarks/ranks.py --write -->", "<!-- end of what is made -->"
IMAGENET, VIT_MACS = 1_281_167 + 50_000, 17.6e9
VIT_NODES = 12 * (2304 + 768 + 3072 + 768) + 768 + 1000
WANTED = (8, 64, 512)


@dataclass(frozen=True)
class Measured:
    """What recording took with some processes, in seconds but where said.

    Attributes
    ----------
    ranks
        Number of processes.
    wall
        Time from the moment when all are ready until the manifest is written.
    exchange
        Time of one exchange between all processes, of 1 kB each.
    forward
        Time of the forward passes alone of the first process's share.
    check
        Time in which the first process reads all values back, when a recording of an earlier run is used.
    cpu
        Processor time of the process that used most of it.
    megabytes
        Size of all files, in MB of 10^6 bytes.
    samples
        Number of samples, all splits together.
    macs
        Multiply-add operations of a sample.
    """

    ranks: int
    wall: float
    exchange: float
    forward: float
    check: float
    cpu: float
    megabytes: float
    samples: int
    macs: int


def subject(blocks: int):
    """Give LeNet-5 with random weights, and random pictures that fill whole blocks."""
    torch.manual_seed(0)
    front = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    back = [nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    network = nn.Sequential(*front, nn.Flatten(), *back).eval()
    rng = np.random.default_rng(0)
    few = {"x": rng.normal(size=(20, 1, 28, 28)).astype(np.float32), "y": np.arange(20) % 10}
    model, small = load_module(network, few)
    count = blocks * samples_a_block(model, position_counts(model, small))
    x = rng.normal(size=(count, 1, 28, 28)).astype(np.float32)
    return load_module(network, {"x": x, "y": rng.integers(0, 10, count)})


@torch.no_grad()
def work(folder: Path, blocks: int) -> None:
    """Be one of the processes; the first writes down what it took."""
    torch.set_num_threads(1)
    with job() as ranks:
        model, data = subject(blocks)
        path = folder / f"by-{ranks.size}" / "activations.h5"
        provenance = Provenance(model.digest, data.digest, 0, {}, {})
        ranks.told(None)
        begun, used = time.perf_counter(), time.process_time()
        record_together(model, data, path, provenance, ranks=ranks)
        wall = time.perf_counter() - begun
        cpu = max(ranks.told(time.process_time() - used))
        begun = time.perf_counter()
        for _ in range(10):
            ranks.told(b"x" * 1000)
        exchange = (time.perf_counter() - begun) / 10
        if not ranks.is_first:
            return
        begun = time.perf_counter()
        counts = position_counts(model, data)
        for _, x in input_blocks(
            model, data.train.inputs, samples_a_block(model, counts), 0, len(data.train) // ranks.size
        ):
            model.module(x)
        forward = time.perf_counter() - begun
        begun = time.perf_counter()
        check_recording(path)
        check = time.perf_counter() - begun
        size = sum(file.stat().st_size for file in path.parent.iterdir()) / 1e6
        samples = sum(map(len, data.splits.values()))
        found = Measured(ranks.size, wall, exchange, forward, check, cpu, size, samples, multiply_adds(model, data))
        (folder / f"{ranks.size}.json").write_text(json.dumps(asdict(found)))


def measured(folder: Path, ranks: int, blocks: int) -> Measured:
    """Run some processes, as torchrun does."""
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", str(ranks), "--rdzv-backend", "c10d"]
    launch += ["--rdzv-endpoint", "localhost:0"]
    mine = [__file__, "--folder", str(folder), "--blocks", str(blocks)]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    root = str(Path(__file__).parents[1])
    environment = os.environ | threads | {"PYTHONPATH": root}
    subprocess.run([sys.executable, *launch, *mine], check=True, env=environment)
    return Measured(**json.loads((folder / f"{ranks}.json").read_text()))


def apart(folder: Path, ranks: int) -> float:
    """Give the largest relative difference of means and variances from those of one process."""
    largest = 0.0
    with (
        open_recording(folder / "by-1" / "activations.h5") as one,
        open_recording(folder / f"by-{ranks}" / "activations.h5") as other,
    ):
        for name in one.z:
            a, b = (np.asarray(found.z[name][:], np.float64) for found in (one, other))
            pairs = [(a.mean(axis=0), b.mean(axis=0)), (a.var(axis=0), b.var(axis=0))]
            pairs.append((one.output_mean[name], other.output_mean[name]))
            largest = max(largest, *(float((np.abs(u - v) / (np.abs(u) + 1e-300)).max()) for u, v in pairs))
    return largest


def fitted(found: list[Measured], cores: int) -> tuple[float, float, float]:
    """Fit seconds = fixed + divided / min(ranks, cores) + each x ranks, none of them negative, by least squares."""
    terms = np.array([[1, 1 / min(one.ranks, cores), one.ranks] for one in found])
    fixed, divided, each = nnls(terms, np.array([one.wall for one in found]))[0].tolist()
    return fixed, divided, each


def extrapolated(found: list[Measured], each: float) -> list[tuple[int, float, float, float]]:
    """Give ranks -> hours of forward passes, of writing, and of what grows with ranks."""
    first = found[0]
    rate = first.macs * first.samples / first.forward
    writing = first.megabytes * 1e6 / max(first.wall - first.forward, 1e-9)
    size = IMAGENET * (VIT_NODES * 4 + 16)
    per_rank = max(each, (found[-1].exchange - found[1].exchange) / 2)
    hours = [(VIT_MACS * IMAGENET / rate / n, size / writing / n, per_rank * n) for n in WANTED]
    return [(n, *(part / 3600 for part in parts)) for n, parts in zip(WANTED, hours, strict=True)]


def page(found: list[Measured], cores: int, load: float) -> str:
    """Lay out what was measured and what follows from it."""
    fixed, divided, each = fitted(found, cores)
    lines = [
        f"Measured on {cores} cores at a load of {load:.1f}, LeNet-5 on {found[0].samples:,} pictures,"
        f" {found[0].megabytes:.0f} MB of values; one thread a process:",
        "",
        "| processes | seconds | times one's speed | processor s of the busiest | one exchange, ms | model, s |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        model = fixed + divided / min(one.ranks, cores) + each * one.ranks
        speed = found[0].wall / one.wall
        row = f"| {one.ranks} | {one.wall:.2f} | {speed:.2f} | {one.cpu:.2f} | {1e3 * one.exchange:.1f} | {model:.2f} |"
        lines.append(row)
    lines += [
        "",
        f"Model, fitted to these: seconds = {fixed:.2f} + {divided:.2f} / min(processes, {cores}) + {each:.3f} x"
        f" processes. Of one process's time {found[0].forward:.2f} s are forward passes. Where a later run uses the"
        f" recording, the first process alone reads all values back, in {found[0].check:.2f} s; after recording none"
        " are read.",
        "",
        f"**Extrapolated, not measured:** ImageNet ({IMAGENET:,} pictures) x ViT-B ({VIT_MACS / 1e9:.1f} G"
        f" multiply-adds, {VIT_NODES:,} nodes, one position a picture:"
        f" {IMAGENET * (VIT_NODES * 4 + 16) / 1e9:,.0f} GB), with a core of this machine and a disk for each process:",
        "",
        "| processes | forward, h | writing, rest, h | grows with processes, h | sum, h |",
        "|---|---|---|---|---|",
    ]
    for ranks, *parts in extrapolated(found, each):
        lines.append(f"| {ranks} | " + " | ".join(f"{part:.3f}" for part in (*parts, sum(parts))) + " |")
    size, reading = IMAGENET * (VIT_NODES * 4 + 16), found[0].megabytes * 1e6 / found[0].check
    lines += [
        "",
        "The term that does not shrink with processes, and so stops scaling: exchanges. A later run that uses the"
        f" recording reads it back once, by the first process: {size / reading / 3600:.3f} h.",
    ]
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--blocks", type=int, default=72, help="blocks of samples; a multiple of 12 divides evenly")
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--write", action="store_true", help="write what was found into docs/scale.md")
    asked = options.parse_args()
    if asked.folder is not None:
        work(asked.folder, asked.blocks)
        return 0
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [measured(folder, ranks, asked.blocks) for ranks in range(1, MOST + 1)]
        differences = [apart(folder, one.ranks) for one in found[1:]]
    text = page(found, cores, load)
    print(text)
    if asked.write:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    ratio, cpu_ratio = found[0].wall / found[1].wall, found[0].cpu / found[1].cpu
    ratios = {"ratio": round(ratio, 3), "cpu_ratio": round(cpu_ratio, 3)}
    print(json.dumps({**ratios, "moments_apart": max(differences), "load": load, "cores": cores}))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
