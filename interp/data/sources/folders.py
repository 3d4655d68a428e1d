"""Folders that hold a data set: images by class, arrays, tables, or what the datasets library saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.sources.arrow import from_parquet_files, from_saved, is_saved
from interp.data.sources.image_files import fill_memory, stacked
from interp.data.sources.image_folders import ImageFolder, image_facts, image_folders, labelled_files
from interp.data.sources.npy_files import arrays_in
from interp.data.sources.split_names import named_splits
from interp.data.sources.tables.csv_files import read_csv
from interp.data.sources.tables.frames import arrays_of_frames
from interp.data.streams.images import image_streams
from interp.errors import DataError


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
    if splits := image_folders(folder):
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


def _from_images(splits: Mapping[str, ImageFolder], options: DataOptions) -> Any:
    """Read images into memory, or give a stream of each split where they would fill it."""
    files = {split: labelled_files(folder, splits["train"].classes) for split, folder in splits.items()}
    if any(
        fill_memory(str(splits[split].path), [file for file, _ in own], options.image_size)
        for split, own in files.items()
    ):
        return image_streams(splits, options)
    arrays: dict[str, Any] = {"target_names": tuple(splits["train"].classes)}
    for split, own in files.items():
        where = str(splits[split].path)
        arrays[f"x_{split}"] = stacked(where, [file for file, _ in own], options.image_size)
        arrays[f"y_{split}"] = [label for _, label in own]
    return Found(arrays, image_facts(options))
