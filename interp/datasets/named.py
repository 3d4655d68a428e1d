"""Data sets known by name.

To add one, write a function ``(spec, options) -> Dataset`` and one line in `DATASETS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from interp.datasets.assemble import dataset_of
from interp.datasets.options import DataOptions
from interp.errors import DataError, first_line
from interp.types import Dataset, Split


def digits(spec: str, options: DataOptions) -> Dataset:
    """Load scikit-learn's bundled 8x8 digits, 1,437 to train and 360 to test, values 0..16."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    parts = train_test_split(
        bunch.data.astype(np.uint8), bunch.target.astype(np.int64), test_size=360, random_state=0, stratify=bunch.target
    )
    splits = {"train": Split(parts[0], parts[2]), "test": Split(parts[1], parts[3])}
    return dataset_of(spec, splits, image_shape=(1, 8, 8), classes=tuple("0123456789"))


def mnist(spec: str, options: DataOptions) -> Dataset:
    """Load MNIST through torchvision, 60,000 and 10,000 images of bytes; downloads if allowed."""
    from torchvision.datasets import MNIST

    root = _root(options)
    splits = {}
    for name, train in (("train", True), ("test", False)):
        try:
            images = MNIST(root, train=train, download=not options.offline and not _has_mnist(root))
        except Exception as error:  # damaged files fail with many types; each means the same here
            raise DataError(
                root,
                found="no readable MNIST" + ("" if options.offline else f" ({first_line(error)})"),
                expected="MNIST/raw in torchvision's layout",
                do="pass --data-root FOLDER or set INTERP_DATA, or run once with network access",
            ) from error
        splits[name] = Split(images.data.numpy().reshape(len(images), -1), images.targets.numpy().astype(np.int64))
    return dataset_of(spec, splits, image_shape=(1, 28, 28), classes=tuple("0123456789"), root=str(root))


def _root(options: DataOptions) -> Path:
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "interp"
    return Path(options.root or os.environ.get("INTERP_DATA") or default)


def _has_mnist(root: Path) -> bool:
    raw = root / "MNIST" / "raw"
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return all((raw / f"{stem}-ubyte").exists() for stem in stems)


DATASETS: dict[str, Callable[[str, DataOptions], Dataset]] = {"digits": digits, "mnist": mnist}
"""Name -> what loads it."""
