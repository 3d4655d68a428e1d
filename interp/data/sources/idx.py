"""Files of MNIST (IDX): a number for type and axes, the length of each axis, then the values."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from interp.types import Array

BYTES = 8
"""Type code of unsigned bytes."""

STEMS = {"train": ("train-images-idx3", "train-labels-idx1"), "test": ("t10k-images-idx3", "t10k-labels-idx1")}
"""Split -> files of images and of labels, less their ending."""


def read_idx(path: Path) -> Array:
    """Read an array of bytes.

    Parameters
    ----------
    path
        Name of the file.

    Returns
    -------
    Array
        Values in the shape that the file declares, uint8.

    Raises
    ------
    ValueError
        If the file is no such array, or holds more or fewer values than it declares.
    """
    if not path.is_file():  # opening a pipe would block until someone writes to it
        raise ValueError(f"{path.name} is no file")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] != BYTES or not 1 <= head[3] <= 4:
            raise ValueError(f"{path.name} does not begin as an array of bytes")
        lengths = file.read(4 * head[3])
        shape = [int.from_bytes(lengths[at : at + 4], "big") for at in range(0, len(lengths), 4)]
        if len(lengths) < 4 * head[3] or prod(shape) != size - 4 - len(lengths):
            raise ValueError(f"{path.name} declares {shape} in {size:,} bytes")
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def read_mnist(folder: Path) -> dict[str, tuple[Array, Array]]:
    """Read images and labels of both splits.

    Parameters
    ----------
    folder
        Folder with the four files.

    Returns
    -------
    dict
        Name of a split -> images (S, H, W) and labels (S,) from 0 to 9, both uint8.

    Raises
    ------
    ValueError
        If there are no images, not one label for each, labels above 9, or images of two sizes.
    """
    found = {}
    for split, stems in STEMS.items():
        images, labels = (read_idx(folder / f"{stem}-ubyte") for stem in stems)
        if images.ndim != 3 or images.size == 0 or labels.shape != images.shape[:1] or labels.max() > 9:
            raise ValueError(f"{split} has images {images.shape} and labels {labels.shape}, or labels beyond 9")
        found[split] = images, labels
    if len({images.shape[1:] for images, _ in found.values()}) > 1:
        raise ValueError("images of two sizes")
    return found
