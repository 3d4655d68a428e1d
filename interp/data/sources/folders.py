"""Folders that hold a data set: images by class, arrays, tables, or what the datasets library saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.sources.arrow import from_parquet_files, from_saved, is_saved
from interp.data.sources.image_files import ENDINGS, stacked
from interp.data.sources.npy_files import arrays_in
from interp.data.sources.split_names import named_splits
from interp.data.sources.tables.csv_files import read_csv
from interp.data.sources.tables.frames import arrays_of_frames
from interp.errors import DataError
from interp.types import Inference


def from_folder(spec: str, options: DataOptions) -> Any:
    """Read a folder of a data set.

    It holds a folder of images for each class (or such folders in ``train`` and ``test``, as torchvision's
    ``ImageFolder`` takes them), or ``x_train.npy`` and others, ``train.csv`` and ``test.csv``, parquet files of these
    names, or what ``save_to_disk`` of the datasets library writes.

    Raises
    ------
    DataError
        If it holds none of these.
    """
    folder = Path(spec)
    for is_this, read in KINDS:
        if is_this(folder):
            return read(folder, options)
    if splits := _image_folders(folder):
        return _from_images(splits, options)
    raise DataError(
        folder,
        found="a folder without data that are known",
        expected="a folder of images a class, x_train.npy, train.csv, parquet files, or a saved data set",
        do="name one file, or give package.module:callable",
    )


def _split_files(folder: Path, ending: str) -> dict[str, Path]:
    """Find the file of each split; none where there is no training file."""
    paths = {path.stem: path for path in folder.glob(f"*{ending}") if path.is_file()}
    return named_splits(paths.get)


def _from_tables(folder: Path, options: DataOptions) -> Found:
    frames = {split: read_csv(path, options) for split, path in _split_files(folder, ".csv").items()}
    return arrays_of_frames(str(folder), frames, options)


KINDS: tuple[tuple[Callable[[Path], bool], Callable[[Path, DataOptions], Any]], ...] = (
    (is_saved, from_saved),
    (lambda folder: any(folder.glob("*.npy")), lambda folder, _: arrays_in(folder)),
    (lambda folder: bool(_split_files(folder, ".csv")), _from_tables),
    (lambda folder: any(folder.rglob("*.parquet")), from_parquet_files),
)
"""Whether a folder is of a kind, and what reads it; the first kind counts, and folders of images come after all."""


# --------------------------------------------------------------------------- images


def _image_folders(folder: Path) -> dict[str, tuple[Path, list[str]]]:
    """Find the folder of each split with its classes, which are folders of images; one without a name is ``train``."""
    if names := _classes(folder):
        return {"train": (folder, names)}
    paths = named_splits(lambda name: folder / name if (folder / name).is_dir() else None)
    found = {split: (path, _classes(path)) for split, path in paths.items()}
    return found if any(names for _, names in found.values()) else {}


def _classes(folder: Path) -> list[str]:
    """Name the subfolders that hold images, in alphabetical order, as ``ImageFolder`` does."""
    if not folder.is_dir():
        return []
    return sorted(part.name for part in folder.iterdir() if part.is_dir() and _files(part, first=True))


def _files(folder: Path, first: bool = False) -> list[Path]:
    """List the images under a folder in the order of ``ImageFolder``; with `first`, at most those of one folder."""
    found: list[Path] = []
    for part in sorted(folder.iterdir()):
        if part.is_file() and part.suffix.lower() in ENDINGS:
            found.append(part)
            if first:
                break
        elif part.is_dir() and not first:
            found += _files(part)
    return found


def _from_images(splits: Mapping[str, tuple[Path, list[str]]], options: DataOptions) -> Found:
    _, names = splits["train"]
    arrays: dict[str, Any] = {"target_names": tuple(names)}
    for split, (path, own) in splits.items():
        _check_classes(path, own, names)
        files = [(file, label) for label, name in enumerate(names) for file in _of_class(path / name)]
        arrays[f"x_{split}"] = stacked(str(path), [file for file, _ in files], options.image_size)
        arrays[f"y_{split}"] = [label for _, label in files]
    facts = {"classes": Inference("in alphabetical order", "likely", "names of folders, as ImageFolder orders them")}
    if options.image_size is not None:
        why = "given with --image-size: the shorter side resized, the middle cut out"
        facts["image_size"] = Inference(f"{options.image_size}x{options.image_size}", "certain", why)
    return Found(arrays, facts)


def _of_class(folder: Path) -> list[Path]:
    return _files(folder) if folder.is_dir() else []


def _check_classes(folder: Path, own: list[str], names: list[str]) -> None:
    """Refuse a split with classes that the training split does not have, or without images."""
    if not own:
        raise DataError(folder, found="no folder of images", expected="one for each class", do="fill it or take it out")
    if further := sorted(set(own) - set(names)):
        raise DataError(folder, found=f"a class {further[0]!r}", expected=f"one of {', '.join(names)}", do="rename it")
