"""Data sets that are known by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from interp.data.assemble import dataset_of
from interp.data.options import DataOptions
from interp.data.sources.idx import STEMS, read_mnist
from interp.errors import DataError, first_line
from interp.types import Dataset, Split

RAW = Path("MNIST") / "raw"
"""Folder of the files of MNIST, as torchvision names it."""


def digits(spec: str, options: DataOptions) -> Dataset:
    """Load scikit-learn's bundled 8x8 digits: 1,437 for training and 360 for testing, values from 0 to 16."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    parts = train_test_split(
        bunch.data.astype(np.uint8), bunch.target.astype(np.int64), test_size=360, random_state=0, stratify=bunch.target
    )
    splits = {"train": Split(parts[0], parts[2]), "test": Split(parts[1], parts[3])}
    return dataset_of(spec, splits, image_shape=(1, 8, 8), classes=tuple("0123456789"))


def mnist(spec: str, options: DataOptions) -> Dataset:
    """Load MNIST, 60,000 and 10,000 images of bytes; torchvision downloads the files where that is allowed.

    Parameters
    ----------
    spec
        Name of the data, on the page and in errors.
    options
        Folder of data sets, and permission to download.

    Raises
    ------
    DataError
        If the files are missing or damaged, and cannot be downloaded.
    """
    root = data_root(options)
    try:
        if not _has_mnist(root):
            _download(root, options.offline)
        found = read_mnist(root / RAW)
    except Exception as error:  # downloads and damaged files fail with many types; each means the same here
        raise DataError(
            root,
            found=f"no readable MNIST ({first_line(error)})",
            expected="MNIST/raw in torchvision's layout",
            do="pass --data-root FOLDER or set INTERP_DATA, or run once with network access",
        ) from error
    splits = {
        name: Split(images.reshape(len(images), -1), labels.astype(np.int64))
        for name, (images, labels) in found.items()
    }
    images, _ = found["train"]
    shape = (1, images.shape[1], images.shape[2])
    return dataset_of(spec, splits, image_shape=shape, classes=tuple("0123456789"), root=str(root))


def _download(root: Path, offline: bool) -> None:
    if offline:
        raise FileNotFoundError("no such files, and --offline forbids to fetch them")
    from torchvision.datasets import MNIST

    MNIST(root, download=True)


def data_root(options: DataOptions) -> Path:
    """Give the folder of data sets: the user's, that of ``INTERP_DATA``, or a cache.

    Parameters
    ----------
    options
        Options that may name it.
    """
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "interp"
    return Path(options.root or os.environ.get("INTERP_DATA") or default)


def _has_mnist(root: Path) -> bool:
    return all((root / RAW / f"{stem}-ubyte").exists() for stems in STEMS.values() for stem in stems)
