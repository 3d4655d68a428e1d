"""One small sound data file of every kind, and the folder of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from fuzzing.seeds.base import arrays, base
from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions
from interp.interventions import InterventionOptions
from interp.run import Options, run_all, start
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions

QUICK = Options(
    gaussians=GaussianOptions(components=2),
    clusters=ClusterOptions(repetitions=1),
    interventions=InterventionOptions(levels=1, curve_levels=0, control_samples=0),
    attribution=AttributionOptions(samples=10, steps=2, repetitions=5),
    reading=ReadingOptions(samples=20, images=10, read_copies=2),
    directions=2,
)


def _npz(folder: Path) -> str:
    np.savez(folder / "file.npz", **arrays())
    return "file.npz"


def _packed(folder: Path) -> str:
    np.savez_compressed(folder / "file.npz", **arrays())
    return "file.npz"


def _csv(folder: Path) -> str:
    made = arrays()
    table = pd.DataFrame(made["x_train"].astype(float), columns=[f"feature {i}" for i in range(6)])
    table.assign(label=np.array(["cat", "dog", "eel"])[made["y_train"]]).to_csv(folder / "file.csv", index=False)
    return "file.csv"


def _tensors(folder: Path) -> str:
    torch.save({name: torch.from_numpy(array) for name, array in arrays().items()}, folder / "file.pt")
    return "file.pt"


def _arrays(folder: Path) -> str:
    """Write an array a file, in a folder of their own."""
    (folder / "file").mkdir()
    for name, array in arrays().items():
        np.save(folder / "file" / f"{name}.npy", array)
    return "file"


def _parquet(folder: Path) -> str:
    made = arrays()
    table = pd.DataFrame(made["x_train"].astype(float), columns=[f"feature {i}" for i in range(6)])
    table.assign(label=made["y_train"]).to_parquet(folder / "file.parquet")
    return "file.parquet"


def _images(folder: Path) -> str:
    """Write six-pixel images of three classes, in PNG and BMP, in a folder each."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "eel"):
        (folder / "file" / name).mkdir(parents=True)
        for number, ending in enumerate((".png", ".bmp", ".png", ".png")):
            Image.fromarray(rng.integers(0, 256, (2, 3), np.uint8)).save(folder / "file" / name / f"{number}{ending}")
    return "file"


def _mnist(folder: Path) -> str:
    """Write MNIST's four files with few, tiny images."""
    raw = folder / "file" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem, rows in (("train", 30), ("t10k", 10)):
        images, labels = rng.integers(0, 256, (rows, 2, 3), np.uint8), np.arange(rows, dtype=np.uint8) % 3
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
            (raw / f"{stem}-{name}-ubyte").write_bytes(bytes((0, 0, 8, array.ndim)) + lengths + array.tobytes())
    return "file"


def _run(folder: Path, store: bool = True) -> str:
    said, options = LoadOptions(scaling="raw", activation="relu", output="linear"), replace(QUICK, store=store)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        run_all(start(base() / "net.pt", folder / "file", str(base() / "data.npz"), said, options=options))
    return "file"


DATA: dict[str, Callable[[Path], str]] = {
    "npz": _npz,
    "packed npz": _packed,
    "csv": _csv,
    "tensors": _tensors,
    "mnist files": _mnist,
    "npy files": _arrays,
    "image folder": _images,
    **({"parquet": _parquet} if find_spec("pyarrow") else {}),
}
RUNS: dict[str, Callable[[Path], str]] = {
    "run folder": _run,
    "run without a recording": partial(_run, store=False),
}
"""Name -> a function that writes into a folder and says what is to be opened there."""
