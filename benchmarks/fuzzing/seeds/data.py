"""One small sound data file of every kind, and the folder of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from fuzzing.seeds.arrow import ARROW
from fuzzing.seeds.base import arrays, base
from interp.analysis import ClusterOptions, GaussianOptions
from interp.checkpoints import LoadOptions
from interp.interventions import InterventionOptions
from interp.run import Options, Run, run_all, start
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
    _frame().to_parquet(folder / "file.parquet")
    return "file.parquet"


def _images(folder: Path) -> str:
    """Write six-pixel images of three classes, in PNG and BMP, in a folder each."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "eel"):
        (folder / "file" / name).mkdir(parents=True)
        for number, ending in enumerate((".png", ".bmp", ".png", ".png")):
            Image.fromarray(rng.integers(0, 256, (2, 3), np.uint8)).save(folder / "file" / name / f"{number}{ending}")
    return "file"


def _beside(folder: Path) -> str:
    """Write an array a file, of which one is to be named."""
    for name, array in arrays().items():
        np.save(folder / f"{name}.npy", array)
    return "x_train.npy"


def _tsv(folder: Path) -> str:
    _frame().to_csv(folder / "file.tsv", index=False, sep="\t")
    return "file.tsv"


def _tables(folder: Path) -> str:
    """Write a table for each split."""
    (folder / "file").mkdir()
    for name in ("train", "test"):
        _frame().to_csv(folder / "file" / f"{name}.csv", index=False)
    return "file"


def _frame() -> pd.DataFrame:
    made = arrays()
    table = pd.DataFrame(made["x_train"].astype(float), columns=[f"feature {i}" for i in range(6)])
    return table.assign(label=made["y_train"])


def _image_splits(folder: Path) -> str:
    """Write grey images of two splits in JPEG and TIFF."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("cat", "dog", "eel"):
            (folder / "file" / split / name).mkdir(parents=True)
            for number, ending in enumerate((".jpg", ".tif", ".jpg", ".tif")):
                image = Image.fromarray(rng.integers(0, 256, (2, 3), np.uint8))
                image.save(folder / "file" / split / name / f"{number}{ending}")
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


def run_in(folder: Path, store: bool = True) -> Run:
    """Open the sound network and its data, once a process, with a folder for their results."""
    return replace(_opened(store), out=folder)


@cache
def _opened(store: bool) -> Run:
    said, options = LoadOptions(scaling="raw", activation="relu", output="linear"), replace(QUICK, store=store)
    return start(base() / "net.pt", base() / "nowhere", str(base() / "data.npz"), said, options=options)


def _run(folder: Path, store: bool = True) -> str:
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        run_all(run_in(folder / "file", store))
    return "file"


DATA: dict[str, Callable[[Path], str]] = {
    "npz": _npz,
    "packed npz": _packed,
    "csv": _csv,
    "tensors": _tensors,
    "mnist files": _mnist,
    "npy files": _arrays,
    "image folder": _images,
    "npy files named by one": _beside,
    "tsv": _tsv,
    "folder of tables": _tables,
    "image folder of splits": _image_splits,
    **({"parquet": _parquet, **ARROW} if find_spec("pyarrow") else {}),
}
RUNS: dict[str, Callable[[Path], str]] = {
    "run folder": _run,
    "run without a recording": partial(_run, store=False),
}
AGAIN: dict[str, Callable[[Path], str]] = {"run gone on with": _run}
"""Name -> a function that writes into a folder and says what is to be opened there."""
