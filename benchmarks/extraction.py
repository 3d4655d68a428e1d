"""All layers of LeNet-5 over 60,000 images onto disk: ours, the least it can cost, plain hooks, TorchLens and nnsight.

python benchmarks/extraction.py [--samples 60000] [--rounds 5] [--threads 1] [--synthetic] [--data-root FOLDER]

The least is the forward pass alone, in blocks as ours, and one h5py call that writes as many bytes as ours does. All
others write the same rows of float32 pre-activations (of convolutions at the positions that ours has drawn), a block
at a time into datasets that are as large as the whole from the start. Ours writes checksums, positions, predictions
and statistics of outputs too. Sides take turns; what is shown is the median over rounds. A peer that is not installed
is said to be missing: ``pip install torchlens nnsight``. thingsvision 2.7 asks for numpy 1 and cannot run beside ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints import load_module
from interp.cli import guarded
from interp.data import DataOptions, load_dataset
from interp.errors import InterpError
from interp.recording import record_activations
from interp.recording.positions import drawn_positions, position_counts, samples_a_block
from interp.run.run import versions
from interp.store import open_recording
from interp.types import Provenance, Scaling

PEERS = ("torchlens", "nnsight")
PACKAGES = ("torch", "numpy", "h5py", *PEERS)


@dataclass(frozen=True)
class Work:
    """What all sides do.

    Attributes
    ----------
    module
        Network.
    x
        Scaled inputs (S, 1, 28, 28).
    places
        Name of a layer -> positions of each sample that are kept (S, p).
    block
        Number of samples that are run at once.
    """

    module: nn.Module
    x: Tensor
    places: Mapping[str, np.ndarray]
    block: int

    def blocks(self) -> Iterator[tuple[int, Tensor]]:
        """Yield the first sample of each block, and the block."""
        for start in range(0, len(self.x), self.block):
            yield start, self.x[start : start + self.block]


def lenet() -> nn.Sequential:
    """Give LeNet-5 with random weights: what it says of the images takes no part in this."""
    torch.manual_seed(0)
    parts = {
        "conv1": nn.Conv2d(1, 6, 5),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 16, 5),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "flat": nn.Flatten(),
        "fc1": nn.Linear(256, 120),
        "relu3": nn.ReLU(),
        "fc2": nn.Linear(120, 84),
        "relu4": nn.ReLU(),
        "fc3": nn.Linear(84, 10),
    }
    return nn.Sequential(OrderedDict(parts)).eval().requires_grad_(False)


def images(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, str]:
    """Give MNIST where it is, scaled to 0 to 1, else random images of its shape."""
    if not options.synthetic:
        with suppress(InterpError, FileNotFoundError):
            train = load_dataset("mnist", DataOptions(options.data_root, offline=True)).train
            x = np.asarray(train.inputs, np.float32).reshape(-1, 1, 28, 28) / 255
            return x[: options.samples], train.labels[: options.samples], "MNIST"
    rng = np.random.default_rng(0)
    x = rng.random((options.samples, 1, 28, 28), np.float32)
    return x, rng.integers(0, 10, len(x)), "random images"


# --------------------------------------------------------------------------- the sides


def forward(work: Work, path: Path) -> None:
    """Run the network and keep nothing."""
    for _, x in work.blocks():
        work.module(x)


def write_bytes(work: Work, path: Path) -> None:
    """Write as many bytes as ours did, in one call."""
    size = path.with_name("ours.h5").stat().st_size // 4
    values = WRITTEN.setdefault(size, np.random.default_rng(0).random(size, np.float32))
    with h5py.File(path, "w") as file:
        file.create_dataset("values", data=values)


WRITTEN: dict[int, np.ndarray] = {}


def extracted(work: Work, path: Path, run: Callable[[Tensor], Mapping[str, Tensor]]) -> None:
    """Write the rows of every layer, as `run` gives them for a block: of hooks or of a peer."""
    with h5py.File(path, "w") as file:
        for start, x in work.blocks():
            for name, z in run(x).items():
                rows = picked(z, work.places[name][start : start + len(x)])
                if start == 0:
                    file.create_dataset(name, (work.places[name].size, rows.shape[1]), np.float32)
                first = start * work.places[name].shape[1]
                file[name][first : first + len(rows)] = rows.numpy()


def picked(z: Tensor, positions: np.ndarray) -> Tensor:
    """Pick the rows that are kept of a layer's values, in order of samples and positions."""
    if z.ndim == 2:
        return z
    samples = torch.arange(len(z))[:, None]
    return z.flatten(2).transpose(1, 2)[samples, torch.from_numpy(positions.astype(np.int64))].flatten(0, 1)


def by_hooks(work: Work, path: Path) -> None:
    """Keep the output of every layer by a hook of torch's own."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda part, inputs, output: seen.__setitem__(name, output)

    hooks = [work.module.get_submodule(name).register_forward_hook(keep(name)) for name in work.places]

    def run(x: Tensor) -> Mapping[str, Tensor]:
        work.module(x)
        return seen

    extracted(work, path, run)
    for hook in hooks:
        hook.remove()


def by_torchlens(work: Work, path: Path) -> None:
    """Extract with TorchLens, the layers by its own names: it finds the last by none of ours."""
    import torchlens

    names = {"conv1": "conv2d_1", "conv2": "conv2d_2", "fc1": "linear_1", "fc2": "linear_2", "fc3": "linear_3"}
    extracted(work, path, lambda x: torchlens.extract(work.module, x, names))


def by_nnsight(work: Work, path: Path) -> None:
    """Extract with nnsight: a trace a block, which saves the output of every layer."""
    import nnsight

    seen = nnsight.NNsight(work.module)

    def run(x: Tensor) -> Mapping[str, Tensor]:
        with seen.trace(x):
            conv1 = seen.conv1.output.save()
            conv2 = seen.conv2.output.save()
            fc1 = seen.fc1.output.save()
            fc2 = seen.fc2.output.save()
            fc3 = seen.fc3.output.save()
        return {"conv1": conv1, "conv2": conv2, "fc1": fc1, "fc2": fc2, "fc3": fc3}

    extracted(work, path, run)


# --------------------------------------------------------------------------- both sides in one run


def cost(side: Callable[[], object]) -> tuple[float, float]:
    """Run a side, and give its wall time and its processor time, of all threads and of the system, in seconds."""
    begun, used = time.perf_counter(), time.process_time()
    side()
    return time.perf_counter() - begun, time.process_time() - used


def differences(folder: Path, others: list[str]) -> dict[str, float]:
    """Give the largest difference of each side's values from ours."""
    found = {}
    with open_recording(folder / "ours.h5") as ours:
        for name in others:
            with h5py.File(folder / f"{name}.h5") as other:
                found[name] = max(float(np.abs(ours.z[layer][:] - other[layer][:]).max()) for layer in ours.z)
    return found


def installed(package: str) -> str | None:
    """Give the version of a package; None where it is missing."""
    with suppress(PackageNotFoundError):
        return version(package) if find_spec(package) else None
    return None


@torch.no_grad()
def main() -> int:
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--samples", type=int, default=60_000)
    known.add_argument("--rounds", type=int, default=5)
    known.add_argument("--threads", type=int, default=1)
    known.add_argument("--synthetic", action="store_true", help="random images, even where MNIST is")
    known.add_argument("--data-root")
    options = known.parse_args()
    torch.set_num_threads(options.threads)
    x, y, source = images(options)
    net = lenet()
    model, data = load_module(net, {"x": x, "y": y})
    model = replace(model, scaling=Scaling("raw"))
    counts = position_counts(model, data)
    places = drawn_positions(model, data, "train", counts, 0)
    work = Work(net, torch.from_numpy(x), places, samples_a_block(model, counts))
    provenance = Provenance(model.digest, data.digest, 0, versions(), {})
    peers = {"hooks": by_hooks, "torchlens": by_torchlens, "nnsight": by_nnsight}
    missing = [name for name in PEERS if installed(name) is None]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides: dict[str, Callable[[Path], object]] = {
            "ours": lambda path: record_activations(model, data, path, provenance),
            "forward": lambda path: forward(work, path),
            "write": lambda path: write_bytes(work, path),
            **{peer: (lambda path, run=run: run(work, path)) for peer, run in peers.items() if peer not in missing},
        }
        found: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for turn in range(options.rounds + 1):
            for side, run in sides.items():
                path = folder / f"{side}.h5"
                path.unlink(missing_ok=True)
                took = cost(lambda run=run, path=path: run(path))  # type: ignore[misc]
                if turn:  # the first round warms up
                    found[side].append(took)
        size = (folder / "ours.h5").stat().st_size / 1e6
        apart = differences(folder, [peer for peer in peers if peer not in missing])
    return shown(found, apart, missing, {"samples": len(x), "data": source, "megabytes": size, "block": work.block})


def shown(
    found: Mapping[str, list[tuple[float, float]]], apart: Mapping[str, float], missing: list[str], facts: dict
) -> int:
    """Print the table and the JSON line."""
    pairs = zip(found["forward"], found["write"], strict=True)
    least = [(run[0] + write[0], run[1] + write[1]) for run, write in pairs]
    print(f"extraction: all layers of LeNet-5, {facts['samples']:,} {facts['data']}, {facts['megabytes']:.0f} MB")
    print(f"  {'':<14}{'wall s':>9}{'cpu s':>9}{'x least, wall':>15}{'x least, cpu':>15}")
    times = {}
    for side, taken in {"least": least, **found}.items():
        wall, cpu = (statistics.median(one[i] for one in taken) for i in (0, 1))
        over = [statistics.median(a[i] / b[i] for a, b in zip(taken, least, strict=True)) for i in (0, 1)]
        times[side] = {"wall_s": wall, "cpu_s": cpu, "times_least_wall": over[0], "times_least_cpu": over[1]}
        note = f"   differs from ours by {apart[side]:.1e}" if side in apart else ""
        print(f"  {side:<14}{wall:>9.2f}{cpu:>9.2f}{over[0]:>15.2f}{over[1]:>15.2f}{note}")
    for name in missing:
        print(f"  {name:<14}not installed")
    line = {"benchmark": "extraction", "ratio": 1 / times["ours"]["times_least_cpu"], "sides": times, **facts}
    packages = {name: found for name in PACKAGES if (found := installed(name))}
    line |= {"versions": {"python": platform.python_version(), **packages}, "missing": missing}
    print(json.dumps({**line, "threads": torch.get_num_threads(), "load": os.getloadavg()[0]}))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
