"""Folders of images by class as streams: some images are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from interp.data.options import DataOptions
from interp.data.sources.image_files import GREY, channels_first, mode_of, of_one_size
from interp.data.sources.image_folders import ImageFolder, image_facts, labelled_files
from interp.streams import Stream
from interp.types import Array, Inference

IMAGES = 256
"""Number of images that are read at once."""


def image_streams(splits: Mapping[str, ImageFolder], options: DataOptions) -> dict[str, Stream]:
    """Take the images of each split.

    Parameters
    ----------
    splits
        Folder of each split, ``train`` among them.
    options
        Side that images are resized and cut to.

    Raises
    ------
    DataError
        If a split has a class that the training split does not have, or is without images.
    """
    names, facts = splits["train"].classes, image_facts(options)
    return {split: _of_split(folder, names, facts, options.image_size) for split, folder in splits.items()}


def _of_split(folder: ImageFolder, names: list[str], facts: Mapping[str, Inference], side: int | None) -> Stream:
    files, where = labelled_files(folder, names), str(folder.path)

    @cache
    def is_grey() -> bool:
        return all_grey(where, (file for file, _ in files))

    def part(ranges: Sequence[range]) -> Iterator[dict[str, Any]]:
        grey = is_grey()
        for one in ranges:
            for start in range(one.start, one.stop, IMAGES):
                some = files[start : min(start + IMAGES, one.stop)]
                images = stacked_as(where, [file for file, _ in some], side, grey)
                yield {"x": images, "y": np.array([label for _, label in some])}

    def batches() -> Iterator[dict[str, Any]]:
        return part([range(len(files))])

    return Stream(where, batches, len(files), names={"target_names": tuple(names)}, facts=facts, part=part)


def all_grey(where: str, sources: Iterable[Path | bytes]) -> bool:
    """Tell whether all images are grey, by their headers; it ends at the first that is not.

    Parameters
    ----------
    where
        Name of the data in errors.
    sources
        Files, or contents of files.
    """
    return all(mode_of(where, source) in GREY for source in sources)


def stacked_as(where: str, sources: Iterable[Path | bytes], side: int | None, grey: bool) -> Array:
    """Read images as bytes (S, C, H, W), in one channel or in three.

    Parameters
    ----------
    where
        Name of the data in errors.
    sources
        Files, or contents of files.
    side
        Side in pixels that images are resized and cut to; None to leave them.
    grey
        Whether there is one channel.

    Raises
    ------
    DataError
        If an image cannot be read, or sizes differ without `side`.
    """
    return channels_first(of_one_size(where, sources, side), grey)
