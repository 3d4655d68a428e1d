"""Folders whose subfolders are classes of images: which files there are, and what each shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interp.data.options import DataOptions
from interp.data.sources.image_files import ENDINGS
from interp.data.sources.split_names import named_splits
from interp.errors import DataError
from interp.types import Inference


@dataclass(frozen=True)
class ImageFolder:
    """Folder of one split, with a folder of images for each class.

    Attributes
    ----------
    path
        Path of the folder.
    classes
        Names of the subfolders that hold images, in alphabetical order.
    """

    path: Path
    classes: list[str]


def image_folders(folder: Path) -> dict[str, ImageFolder]:
    """Find the folder of each split; one without a name is ``train``, and without images there is none.

    Parameters
    ----------
    folder
        Folder that holds classes, or splits that hold them.
    """
    if names := _classes(folder):
        return {"train": ImageFolder(folder, names)}
    paths = named_splits(lambda name: folder / name if (folder / name).is_dir() else None)
    found = {split: ImageFolder(path, _classes(path)) for split, path in paths.items()}
    return found if any(one.classes for one in found.values()) else {}


def labelled_files(folder: ImageFolder, names: list[str]) -> list[tuple[Path, int]]:
    """List the images of a split with their class indices.

    Parameters
    ----------
    folder
        Folder of the split.
    names
        Names of the classes of the training split.

    Raises
    ------
    DataError
        If the split has a class that the training split does not have, or is without images.
    """
    _check_classes(folder.path, folder.classes, names)
    return [(file, label) for label, name in enumerate(names) for file in _of_class(folder.path / name)]


def image_facts(options: DataOptions) -> dict[str, Inference]:
    """Say how classes were numbered and images resized.

    Parameters
    ----------
    options
        Side of the images, where one was given.
    """
    facts = {"classes": Inference("in alphabetical order", "likely", "names of folders, as ImageFolder orders them")}
    if options.image_size is not None:
        why = "given with --image-size: the shorter side resized, the middle cut out"
        facts["image_size"] = Inference(f"{options.image_size}x{options.image_size}", "certain", why)
    return facts


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


def _of_class(folder: Path) -> list[Path]:
    return _files(folder) if folder.is_dir() else []


def _check_classes(folder: Path, own: list[str], names: list[str]) -> None:
    """Refuse a split with classes that the training split does not have, or without images."""
    if not own:
        raise DataError(folder, found="no folder of images", expected="one for each class", do="fill it or take it out")
    if further := sorted(set(own) - set(names)):
        raise DataError(folder, found=f"a class {further[0]!r}", expected=f"one of {', '.join(names)}", do="rename it")
