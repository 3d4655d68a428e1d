"""A tiny network whose nodes are known, its data, and a run of it that takes a second."""

from pathlib import Path

import numpy as np
import torch

from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions
from interp.interventions import InterventionOptions
from interp.run.run import start
from interp.run.settings.options import Options
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions

FEW = ReadingOptions(samples=40, images=20, read_copies=2)

QUICK = Options(
    gaussians=GaussianOptions(components=3),
    clusters=ClusterOptions(repetitions=3),
    interventions=InterventionOptions(levels=12, control_shuffles=3, control_samples=100),
    attribution=AttributionOptions(samples=100, steps=10, repetitions=100),
    reading=FEW,
    directions=4,
)
SMALL = Options(
    gaussians=GaussianOptions(components=2),
    clusters=ClusterOptions(rows=100, repetitions=2),
    interventions=InterventionOptions(levels=1, interventions=("scale",), curve_levels=2, control_samples=0),
    attribution=AttributionOptions(samples=20, steps=6, repetitions=50),
    reading=FEW,
    directions=4,
)
GIVEN = LoadOptions(activation="abs", scaling="raw", output="linear")
WORDS = (
    "--activation",
    "abs",
    "--scaling",
    "raw",
    "--output",
    "linear",
    "--levels",
    "1",
    "--curve-levels",
    "3",
    "--read-copies",
    "2",
)


def planted_data(path: Path, seed: int = 0) -> Path:
    """Three clusters in four dimensions, some of them held out."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 260)
    centres = np.array([[6, 0, 0, 0], [0, 6, 0, 0], [0, 0, 6, 0]])
    x = (centres[y] + rng.normal(size=(260, 4))).astype(np.float32)
    np.savez(path, x_train=x[:200], y_train=y[:200], x_test=x[200:], y_test=y[200:])
    return path


def planted_network(path: Path, dead: float = 0.0) -> Path:
    """Each hidden node measures the distance to one cluster along one axis; the smallest distance wins."""
    hidden = torch.zeros(5, 4)
    hidden[:3, :3] = torch.eye(3)
    bias = torch.tensor([-6.0, -6.0, -6.0, dead, dead])  # the last two nodes are constant: dead
    output = torch.cat([-torch.eye(3), torch.zeros(3, 2)], dim=1)
    torch.save({"a.weight": hidden, "a.bias": bias, "b.weight": output, "b.bias": torch.zeros(3)}, path)
    return path


def planted_run(folder: Path, options: Options = QUICK, **how):
    """Make a run of the planted network in a folder, without running any stage."""
    data, checkpoint = folder / "data.npz", folder / "net.pt"
    if not checkpoint.exists():
        planted_data(data)
        planted_network(checkpoint)
    return start(checkpoint, folder / "out", str(data), GIVEN, options=options, **how)
