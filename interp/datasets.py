"""Data sets: a name or a path -> inputs, labels and the ways they are usually scaled.

To add one, write a function ``(spec, options) -> Dataset`` and one line in `DATASETS`.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interp.errors import DataError, InterpError, UsageError, first_line, unknown_name
from interp.types import Array, Dataset, Scaling, Split

LABEL_COLUMNS = ("label", "labels", "target", "class", "y")
MOST_CLASSES = 1000  # integer targets with more distinct values than this are no classes


@dataclass(frozen=True)
class DataOptions:
    """Where data may be looked for.

    Attributes
    ----------
    root
        Folder given by the user; else the environment's ``INTERP_DATA``; else a cache folder.
    offline
        Never download.
    label_column
        Of a ``.csv``; else the first of `LABEL_COLUMNS` found.
    """

    root: str | None = None
    offline: bool = False
    label_column: str | None = None


def load_dataset(spec: str, options: DataOptions = DataOptions()) -> Dataset:
    """Open a data set by name, path or ``package.module:callable``.

    Parameters
    ----------
    spec
        ``digits``, ``mnist``, a ``.npz``, ``.csv`` or ``.pt`` file, or a callable that returns
        ``(inputs, labels)`` or a mapping with the keys that an ``.npz`` has.
    options
        Where to look.

    Raises
    ------
    DataError
        If the data are missing, empty, not finite, or inputs and labels differ in number.
    UsageError
        If `spec` names nothing known.

    Examples
    --------
    >>> load_dataset("digits").train.inputs.shape
    (1437, 64)
    """
    if spec in DATASETS:
        return DATASETS[spec](spec, options)
    suffix = Path(spec).suffix.lower()
    if suffix in FILE_READERS:
        return FILE_READERS[suffix](spec, options)
    if ":" in spec:
        return _from_callable(spec, options)
    raise unknown_name("--data", spec, [*DATASETS, *(f"*{end}" for end in FILE_READERS), "package.module:callable"])


# --------------------------------------------------------------------------- named data sets


def digits(spec: str, options: DataOptions) -> Dataset:
    """Load scikit-learn's bundled 8x8 digits, 1,437 to train and 360 to test, values 0..16."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    parts = train_test_split(
        bunch.data.astype(np.uint8), bunch.target.astype(np.int64), test_size=360, random_state=0, stratify=bunch.target
    )
    splits = {"train": Split(parts[0], parts[2]), "test": Split(parts[1], parts[3])}
    return _dataset(spec, splits, image_shape=(1, 8, 8), classes=tuple("0123456789"))


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
    return _dataset(spec, splits, image_shape=(1, 28, 28), classes=tuple("0123456789"), root=str(root))


def _root(options: DataOptions) -> Path:
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "interp"
    return Path(options.root or os.environ.get("INTERP_DATA") or default)


def _has_mnist(root: Path) -> bool:
    raw = root / "MNIST" / "raw"
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return all((raw / f"{stem}-ubyte").exists() for stem in stems)


# --------------------------------------------------------------------------- files


def _from_npz(spec: str, options: DataOptions) -> Dataset:
    path = _existing(spec)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # damage shows as BadZipFile, ValueError, EOFError, zlib.error; a .npy as TypeError
        raise DataError(
            path, found=first_line(error), expected="a .npz of plain arrays", do="save it with numpy.savez"
        ) from error
    return _from_mapping(spec, arrays)


def _from_tensors(spec: str, options: DataOptions) -> Dataset:
    import torch

    path = _existing(spec)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails with many types; each means the same here
        raise DataError(
            path, found=first_line(error), expected="a dict of tensors", do="save one with torch.save, or use .npz"
        ) from error
    if not isinstance(content, Mapping):
        raise DataError(path, found=type(content).__name__, expected="a dict of tensors", do="save X and y by name")
    dense = {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor) and v.layout == torch.strided}
    half = (torch.bfloat16, torch.float16)  # numpy knows no bfloat16
    return _from_mapping(spec, {k: (v.float() if v.dtype in half else v).detach().numpy() for k, v in dense.items()})


def _from_csv(spec: str, options: DataOptions) -> Dataset:
    import pandas as pd

    path = _existing(spec)
    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise DataError(
            path, found=first_line(error), expected="comma-separated columns", do="check the file"
        ) from error
    label = options.label_column or next((c for c in frame.columns if str(c).lower() in LABEL_COLUMNS), None)
    if label is not None and label not in frame.columns:
        raise unknown_name("--label-column", label, [str(c) for c in frame.columns])
    features = frame.drop(columns=[label]) if label is not None else frame
    text = [str(c) for c in features.columns if not pd.api.types.is_numeric_dtype(features[c])]
    if text:
        raise DataError(
            path,
            found=f"text in column {text[0]!r}",
            expected="numbers in every column but the label",
            do="encode or drop it, or name the label with --label-column",
        )
    arrays: dict[str, Array] = {"x": features.to_numpy(np.float64) if len(features.columns) else features.to_numpy()}
    classes: tuple[str, ...] = ()
    if label is not None:
        codes, names = pd.factorize(frame[label], sort=True)
        if (codes < 0).any():
            raise DataError(
                path,
                found=f"{int((codes < 0).sum())} rows without a {label}",
                expected="a label in every row",
                do="drop them",
            )
        arrays["y"] = frame[label].to_numpy() if pd.api.types.is_numeric_dtype(frame[label]) else codes
        classes = tuple(map(str, names))
    return _from_mapping(spec, arrays, classes=classes, features=tuple(map(str, features.columns)))


def _from_callable(spec: str, options: DataOptions) -> Dataset:
    try:
        content = import_name(spec, "--data")()
    except InterpError:
        raise
    except Exception as error:  # the user's code fails in its own way
        raise UsageError(
            f"--data {spec}",
            found=f"{type(error).__name__}: {first_line(error)}",
            expected="a callable that needs no arguments",
            do="wrap it in a function",
        ) from error
    if isinstance(content, Dataset):
        return content
    if isinstance(content, tuple) and len(content) == 2:
        content = {"x": content[0], "y": content[1]}
    if not isinstance(content, Mapping):
        raise DataError(
            spec,
            found=type(content).__name__,
            expected="(inputs, labels), or a mapping with x_train, y_train, x_test, y_test",
            do="return one of these",
        )
    return _from_mapping(spec, {str(k): _array(spec, v) for k, v in content.items() if v is not None})


def _array(where: str, values: Any) -> Array:
    try:
        return np.asarray(values)
    except Exception as error:  # ragged lists, tensors on a device or with a gradient
        raise DataError(
            where, found=first_line(error), expected="numbers of one shape", do="return numpy arrays"
        ) from error


DATASETS: dict[str, Callable[[str, DataOptions], Dataset]] = {"digits": digits, "mnist": mnist}
FILE_READERS: dict[str, Callable[[str, DataOptions], Dataset]] = {
    ".npz": _from_npz,
    ".csv": _from_csv,
    ".pt": _from_tensors,
    ".pth": _from_tensors,
}


def import_name(spec: str, option: str) -> Any:
    """Import ``package.module:name``, looking in the current folder too.

    Raises
    ------
    UsageError
        If the module or the name does not exist.
    """
    module, _, name = spec.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # importing runs the user's module, which fails in its own way
        raise UsageError(
            f"{option} {spec}",
            found=first_line(error),
            expected="an importable package.module:callable",
            do="check the spelling and the folder you run from",
        ) from error


# --------------------------------------------------------------------------- arrays -> Dataset

_INPUT_KEYS = ("x", "X", "inputs", "data", "images", "features")
_LABEL_KEYS = ("y", "Y", "labels", "targets", "target", "label")


def _from_mapping(
    spec: str, arrays: Mapping[str, Array], classes: tuple[str, ...] = (), features: tuple[str, ...] = ()
) -> Dataset:
    splits = {}
    shape: tuple[int, ...] = ()
    for split, ends in (("train", ("_train", "")), ("test", ("_test",))):
        inputs = _pick(arrays, _INPUT_KEYS, ends)
        if inputs is None:
            continue
        labels = _pick(arrays, _LABEL_KEYS, ends)
        splits[split] = _split(f"{spec} ({split})", inputs, labels)
        shape = inputs.shape[1:]
    if "train" not in splits:
        raise DataError(
            spec,
            found=f"arrays {', '.join(arrays) or 'none'}",
            expected="x_train, y_train, x_test, y_test, or x and y",
            do="rename them",
        )
    widths = {part.inputs.shape[1] for part in splits.values()}
    if len(widths) > 1:
        raise DataError(
            spec, found=f"inputs of {sorted(widths)} values", expected="one width", do="make the splits alike"
        )
    labels = splits["train"].labels
    if labels is not None and not classes:
        classes = tuple(str(i) for i in range(int(labels.max()) + 1))
    return _dataset(spec, splits, image_shape=_image_shape(shape), classes=classes, features=features)


def _pick(arrays: Mapping[str, Array], stems: tuple[str, ...], ends: tuple[str, ...]) -> Array | None:
    return next((arrays[stem + end] for end in ends for stem in stems if stem + end in arrays), None)


def _split(where: str, inputs: Array, labels: Array | None) -> Split:
    if inputs.dtype.kind not in "biuf" or inputs.ndim < 2 or inputs.size == 0:
        raise DataError(
            where,
            found=f"inputs of shape {inputs.shape} and type {inputs.dtype}",
            expected="numbers, one row a sample",
            do="give an array of at least two dimensions",
        )
    flat = inputs.reshape(len(inputs), -1)
    usable = np.abs(flat) < np.finfo(np.float32).max if flat.dtype.kind == "f" else np.ones((), bool)
    if not usable.all():
        row = int(np.argwhere(~usable)[0, 0])
        raise DataError(
            where,
            found=f"a value that is not finite in 32 bits in row {row}",
            expected="finite inputs",
            do="clean the data",
        )
    return Split(flat, None if labels is None else _labels(where, labels, len(flat)))


def _labels(where: str, labels: Array, rows: int) -> Array | None:
    if labels.ndim == 2 and labels.shape[1] > 1:  # one-hot
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1)
    if len(labels) != rows:
        raise DataError(where, found=f"{len(labels)} labels", expected=f"{rows}, one an input", do="make them match")
    if labels.dtype.kind not in "biuf":
        raise DataError(
            where, found=f"labels of type {labels.dtype}", expected="class indices", do="encode them as 0, 1, 2, ..."
        )
    if not np.isfinite(labels).all():
        row = int(np.argwhere(~np.isfinite(labels))[0, 0])
        raise DataError(where, found=f"no label in row {row}", expected="a label in every row", do="drop such rows")
    whole = np.clip(labels, -(2**53), 2**53).astype(np.int64)
    if not np.array_equal(whole, labels) or whole.max() >= MOST_CLASSES:
        return None  # measured values: nothing to classify by
    if whole.min() < 0:
        raise DataError(where, found=f"label {whole.min()}", expected="labels from 0", do="encode them as 0, 1, 2, ...")
    return whole


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Read (H, W), (C, H, W) or (H, W, C) as channels first; anything else is no image."""
    if len(shape) == 2:
        return (1, shape[0], shape[1])
    if len(shape) == 3 and shape[0] in (1, 3):
        return (shape[0], shape[1], shape[2])
    return None


def _dataset(
    name: str,
    splits: Mapping[str, Split],
    *,
    image_shape: tuple[int, int, int] | None,
    classes: tuple[str, ...],
    features: tuple[str, ...] = (),
    root: str | None = None,
) -> Dataset:
    digest = hashlib.sha256()
    for part in splits.values():
        for array in (part.inputs, part.labels):
            if array is not None:
                digest.update(f"{array.shape}{array.dtype}".encode())
                digest.update(np.ascontiguousarray(array).data)
    return Dataset(name, dict(splits), image_shape, classes, features, digest.hexdigest(), root)


def _existing(spec: str) -> Path:
    path = Path(spec)
    if not path.is_file():
        raise DataError(path, found="no such file", expected="a data file", do="check the path")
    return path


# --------------------------------------------------------------------------- scaling


def scalings(data: Dataset) -> dict[str, Scaling]:
    """List the scalings that people use for such data, by printed name.

    Bytes are divided by 255; other data by their own maximum. Means and standard deviations are the
    training split's, over all values for images and per column otherwise, to four digits as printed
    in papers.
    """
    inputs = data.train.inputs
    top = float(inputs.max())
    found = [RAW]
    if inputs.dtype == np.uint8 and 16 < top <= 255:
        top = 255.0
    if inputs.min() >= 0 and top > 1:
        found.append(Scaling(f"x/{top:g}", top))
    if data.image_shape is not None:
        divisor = top if top > 1 else 1.0
        mean, std = _overall_moments(inputs, divisor)
        found += [affine_scaling(divisor, mean, std), affine_scaling(divisor, 0.5, 0.5)]
    else:
        found.append(standardisation(inputs))
    return {scaling.name: scaling for scaling in found}


RAW = Scaling("raw")


def affine_scaling(divisor: float, mean: float, std: float) -> Scaling:
    """Make ``(x/divisor-mean)/std`` with scalar numbers."""
    inner = f"x/{divisor:g}" if divisor != 1 else "x"
    return Scaling(
        f"({inner}-{mean:g})/{std:g}", divisor, np.float32(mean) * np.ones(()), np.float32(std) * np.ones(())
    )


def standardisation(inputs: Array) -> Scaling:
    """Make ``(x-mean)/std`` per column; constant columns keep their scale."""
    mean, std = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    return Scaling("(x-mean)/std", 1.0, mean, np.where(std > 0, std, 1.0))


def parse_scaling(text: str, data: Dataset | None) -> Scaling:
    """Read a scaling as the user writes it.

    Parameters
    ----------
    text
        ``raw``, ``x/A``, ``(x/A-B)/C``, ``(x-B)/C`` or ``(x-mean)/std``.
    data
        Gives the numbers of ``(x-mean)/std``.

    Raises
    ------
    UsageError
        If `text` has another form, or divides by zero.
    """
    compact = text.replace(" ", "")
    if compact in ("raw", "x"):
        return RAW
    if compact == "(x-mean)/std" and data is not None:
        return standardisation(data.train.inputs)
    number = r"([0-9.]+(?:e-?[0-9]+)?)"
    simple = re.fullmatch(rf"x/{number}", compact)
    full = re.fullmatch(rf"\(x(?:/{number})?-{number}\)/{number}", compact)
    try:
        if simple and 0 < float(simple[1]) < np.inf:
            return Scaling(f"x/{float(simple[1]):g}", float(simple[1]))
        if full and all(0 < float(part) < np.inf for part in (full[1] or 1, full[3])):
            return affine_scaling(float(full[1] or 1), float(full[2]), float(full[3]))
    except ValueError:
        pass  # two dots in a number: falls through to the error
    raise UsageError(
        "--scaling", found=repr(text), expected="raw, x/A, (x/A-B)/C or (x-mean)/std", do="for example --scaling x/255"
    )


def _overall_moments(inputs: Array, divisor: float) -> tuple[float, float]:
    values, counts = np.unique(inputs, return_counts=True)
    scaled = values.astype(np.float64) / divisor
    mean = np.average(scaled, weights=counts)
    std = np.sqrt(np.average((scaled - mean) ** 2, weights=counts))
    return round(float(mean), 4), round(float(std), 4)
