"""Arrays in ``.npy`` files that belong together, by their names."""

from __future__ import annotations

import math
import re
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from interp.data.assemble import INPUT_KEYS
from interp.data.options import DataOptions
from interp.data.sources.files import AS_TEXT
from interp.data.sources.paths import existing
from interp.data.sources.split_names import SPLITS
from interp.data.words import LABEL_KEYS
from interp.errors import DataError, first_line
from interp.types import Array

SPLIT_OF = {word: split for split, words in SPLITS.items() for word in words}
"""Word in a file's name -> split."""

KEYS = {**{key.lower(): "x" for key in (*INPUT_KEYS, "image", "feature", "input")}}
KEYS |= {key.lower(): "y" for key in (*LABEL_KEYS, "class", "classes")}


MAGIC = b"\x93NUMPY"
"""First bytes of a file of numpy's."""


def from_npy(spec: str, options: DataOptions) -> dict[str, Any]:
    """Read arrays from ``inputs.npy,labels.npy``, or from one file and those beside it that are named after it.

    Beside ``x_train.npy`` these are ``y_train.npy``, ``x_test.npy`` and ``y_test.npy``; any names do that differ in
    such words, as ``cifar_train_images.npy`` and ``cifar_train_labels.npy``.

    Raises
    ------
    DataError
        If a file is missing or damaged, or holds no plain array.
    """
    paths = [Path(part.strip()) for part in str(spec).split(",")]
    if len(paths) == 1:
        return _beside(existing(spec))
    names = ("x", "y") if len(paths) == 2 else ("x_train", "y_train", "x_test", "y_test")
    if len(paths) != len(names):
        raise DataError(
            spec, found=f"{len(paths)} files", expected="x.npy,y.npy or those of two splits", do="give 2 or 4"
        )
    return {name: read_array(path) for name, path in zip(names, paths, strict=True)}


def arrays_in(folder: Path) -> dict[str, Any]:
    """Read the arrays of a folder whose names say what they are, as ``x_train.npy`` and ``train_labels.npy``.

    Raises
    ------
    DataError
        If no file is named as inputs are, or several are.
    """
    groups = _groups(folder)
    inputs = {rest: files for rest, files in groups.items() if any(name.startswith("x") for name in files)}
    if len(inputs) != 1:
        found = ", ".join(sorted(path.name for path in folder.glob("*.npy"))[:8])
        raise DataError(
            folder,
            found=f"arrays {found}",
            expected="x_train.npy, y_train.npy, ...",
            do="name one file, or rename them",
        )
    return {name: read_array(path) for name, path in next(iter(inputs.values())).items()}


def _beside(path: Path) -> dict[str, Any]:
    """Read a file with those that are named after it; alone, it holds inputs."""
    files = next((files for files in _groups(path.parent).values() if path in files.values()), {"x": path})
    return {name: read_array(one) for name, one in files.items()}


def _groups(folder: Path) -> dict[str, dict[str, Path]]:
    """Give the files of a folder by the rest of their names, each by the name of what it holds, such as ``x_train``."""
    groups: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*.npy"), key=_place):
        words = _words(path)
        keys = [KEYS[word.lower()] for word in words if word.lower() in KEYS]
        splits = [SPLIT_OF[word.lower()] for word in words if word.lower() in SPLIT_OF]
        rest = "_".join(word for word in words if word.lower() not in KEYS and word.lower() not in SPLIT_OF)
        if len(keys) == 1 and len(splits) < 2:
            groups.setdefault(rest, {}).setdefault("_".join((*keys, *splits)), path)
    return groups


def _words(path: Path) -> list[str]:
    return [word for word in re.split(r"[_\-. ]", path.stem) if word]


def _place(path: Path) -> tuple[int, Path]:
    """Give what to sort by: the name of a split, the usual ones first, then the file's."""
    usual = list(SPLIT_OF)
    return min((usual.index(word.lower()) for word in _words(path) if word.lower() in SPLIT_OF), default=0), path


def read_array(path: Path) -> Array:
    """Read one array.

    Parameters
    ----------
    path
        Name of the file.

    Raises
    ------
    DataError
        If there is no such file, or it holds no plain array.
    """
    path = existing(path)
    try:
        with path.open("rb") as file:
            _check_size(file, path.stat().st_size)
            array = np.load(file, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive")
    except Exception as error:  # damage shows as ValueError, EOFError, and whatever parses its header
        raise DataError(
            path, found=first_line(error), expected="a plain array", do=f"save it with numpy.save{AS_TEXT}"
        ) from error
    return array


def _check_size(file: IO[bytes], size: int) -> None:
    """Refuse an array that declares more values than its file holds; of anything else the reader says what it is.

    Raises
    ------
    ValueError
        If the header cannot be read, or declares more bytes than follow it.
    """
    start = file.read(len(MAGIC))
    file.seek(0)
    if start != MAGIC:
        return
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, _, kind = read_header(file)
    except (SyntaxError, TokenError) as error:
        raise ValueError("an array whose header is no description of one") from error
    if (declared := math.prod(shape) * kind.itemsize) > size - file.tell() and not kind.hasobject:
        raise ValueError(f"an array of {declared:,} bytes in a file of {size:,}")
    file.seek(0)
