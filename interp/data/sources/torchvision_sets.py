"""Data sets of torchvision, by the names of their classes: ``torchvision:CIFAR10``."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.sources.image_files import stacked
from interp.data.sources.named import data_root
from interp.errors import DataError, InterpError, first_line, unknown_name

PREFIX = "torchvision:"

NOT_BY_NAME = ("FakeData", "ImageFolder", "DatasetFolder", "VisionDataset", "wrap_dataset_for_transforms_v2")

TEST = ("test", "val", "valid")
"""Names of the split to test on, the first that a data set has."""


def from_torchvision(spec: str, options: DataOptions) -> Found:
    """Read a data set of torchvision from the folder of data sets; it is downloaded unless it is there or forbidden.

    Parameters
    ----------
    spec
        ``torchvision:NAME`` with the name of a class of `torchvision.datasets`, in capitals or not.
    options
        Folder of data sets, permission to download, and size of images.

    Raises
    ------
    DataError
        If the files are missing or damaged, or its samples are no images with a label.
    UsageError
        If there is no such data set.
    """
    kind = _class(spec)
    train = _made(spec, kind, True, options)
    arrays: dict[str, Any] = _of_split(spec, train, "train", options)
    if _has_splits(kind):
        arrays |= _of_split(spec, _made(spec, kind, False, options), "test", options)
    names = getattr(train, "classes", None)
    if isinstance(names, list | tuple):
        arrays["target_names"] = tuple(map(str, names))
    return Found(arrays, {})


def _class(spec: str) -> Any:
    from torchvision import datasets

    names = {name.lower(): name for name in datasets.__all__ if name not in NOT_BY_NAME}
    wanted = spec.removeprefix(PREFIX)
    found = names.get(wanted.lower().replace("-", ""))
    if found is None:
        raise unknown_name("--data torchvision:", wanted, names.values())
    return getattr(datasets, found)


def _has_splits(kind: Any) -> bool:
    return bool({"train", "split"} & inspect.signature(kind).parameters.keys())


def _made(spec: str, kind: Any, train: bool, options: DataOptions) -> Any:
    """Make the data set of one split, with its files fetched where that is allowed."""
    root, parameters = data_root(options), inspect.signature(kind).parameters
    problems = []
    for split in ("train",) if train else TEST:
        said: dict[str, Any] = {"train": train} if "train" in parameters else {}
        said |= {"split": split} if "split" in parameters else {}
        said |= {"download": not options.offline} if "download" in parameters else {}
        try:
            return kind(root, **said)
        except Exception as error:  # downloads and damaged files fail with many types; each means the same here
            problems.append(first_line(error))
    raise DataError(
        root,
        found=f"no readable {kind.__name__} ({problems[0]})",
        expected="its files in torchvision's layout",
        do="pass --data-root FOLDER or set INTERP_DATA, or run once with network access",
    )


def _of_split(spec: str, dataset: Any, split: str, options: DataOptions) -> dict[str, Any]:
    """Give images and labels: at once where the data set holds them as arrays, else one at a time."""
    images: Any = getattr(dataset, "data", None)
    labels: Any = next((getattr(dataset, name) for name in ("targets", "labels") if hasattr(dataset, name)), None)
    if not (hasattr(images, "shape") and labels is not None and len(images) == len(labels)):
        images, labels = _one_by_one(spec, dataset, options)
    return {f"x_{split}": images, f"y_{split}": np.asarray(labels)}


def _one_by_one(spec: str, dataset: Any, options: DataOptions) -> tuple[Any, list[Any]]:
    try:
        pairs = [dataset[place] for place in range(len(dataset))]
        return stacked(spec, [image for image, _ in pairs], options.image_size), [label for _, label in pairs]
    except InterpError:
        raise
    except Exception as error:  # samples of other kinds, such as boxes and masks
        raise DataError(
            spec,
            found=f"samples that cannot be read as an image and its label ({first_line(error)})",
            expected="a data set for classification",
            do="give package.module:callable",
        ) from error
