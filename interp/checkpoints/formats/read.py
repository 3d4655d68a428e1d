"""path -> Contents, by the format that its content shows or that the user names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from interp.checkpoints.formats.contents import Contents, contents_of
from interp.checkpoints.formats.formats import BUILT_IN, FORMATS, Format, Reader
from interp.checkpoints.formats.glance import glance
from interp.checkpoints.formats.hf_folders import CONFIG
from interp.checkpoints.formats.selected import select
from interp.checkpoints.formats.shards import is_shards, refuse_part, weight_files
from interp.checkpoints.formats.unread.unknown import unknown
from interp.checkpoints.weights.tensors import checked_state
from interp.errors import CheckpointError, UsageError
from interp.safety import called, import_name, look_up

FORMAT = "--format"


def read_contents(
    path: str | Path,
    allow_pickle: bool = False,
    format: str | None = None,
    member: str | None = None,
    prefix: str | None = None,
    fixed_point: int | None = None,
) -> Contents:
    """Read a file's weights with the reader that its content asks for.

    Parameters
    ----------
    path
        Path of a file, or of a folder with a config and weights.
    allow_pickle
        Whether code in the file may run, as unpickling whole modules does.
    format
        Name of a format, one of `FORMATS`, or ``package.module:name`` of a reader; None to tell it from the content.
    member
        Number or name of one of several states in the file; None for the one that looks most like the network's.
    prefix
        Beginning of the names of the tensors to keep; None to keep all.
    fixed_point
        Number of binary digits behind the point of weights that are whole numbers; None for plain weights.

    Returns
    -------
    Contents
        Weights by parameter name, quantised ones as floats, with what else the file states.

    Raises
    ------
    CheckpointError
        If the file holds no weights that a network can be made of, or would have to run code.
    UsageError
        If there is no such format, or the user's reader fails.

    Examples
    --------
    >>> contents = read_contents("zoo/pretrained/relu-digits.pt")
    >>> contents.format, list(contents.state)[:2]
    ('zoo', ['hidden.weight', 'hidden.bias'])
    """
    name, read = _reader(Path(path), format)
    contents = select(_as_contents(read(Path(path), allow_pickle), name, path), path, member, prefix, fixed_point)
    return replace(contents, format=contents.format or name, state=checked_state(contents.state, path))


def _reader(path: Path, format: str | None) -> tuple[str, Reader]:
    """Give a format's name and its reader."""
    if format is not None:
        found = _imported(look_up(format, FORMATS, FORMAT))
        return format, _guarded(found.read if isinstance(found, Format) else found, format)
    seen = glance(path)
    refuse_part(path)
    for name, entry in FORMATS.items():
        one = _imported(entry)
        if not isinstance(one, Format):
            raise UsageError(
                f"format {name}", found=f"{entry}, a {type(one).__name__}", expected="a Format", do="mend FORMATS"
            )
        if one.recognises(seen):
            return name, _guarded(one.read, name)
    raise unknown(seen)


def _imported(entry: Any) -> Any:
    return import_name(entry, FORMAT) if isinstance(entry, str) else entry


def _guarded(read: Any, name: str) -> Reader:
    """Turn whatever a reader of the user's fails with into an error of ours."""
    if name in BUILT_IN:
        return read  # type: ignore[no-any-return]

    def reader(path: Path, allow_pickle: bool) -> Contents | Mapping[str, Any]:
        found: Contents | Mapping[str, Any] = called(
            partial(read, path, allow_pickle),
            f"{FORMAT} {name}",
            expected="a reader that takes (path, allow_pickle) and opens this file",
            do="mend it, or leave it out",
        )
        return found

    return reader


def _as_contents(found: Contents | Mapping[str, Any], name: str, path: object) -> Contents:
    """Take tensors or arrays by name as a state dict."""
    if isinstance(found, Contents):
        return found
    try:
        return contents_of({str(key): torch.as_tensor(value) for key, value in found.items()}, path)
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            path,
            found=f"a {type(found).__name__} from the reader of {name}",
            expected="Contents, or a mapping of names to tensors or arrays",
            do="mend the reader",
        ) from error


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, or of a folder's config and weights one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for part in _parts(Path(path)):
        with part.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _parts(path: Path) -> list[Path]:
    """List what a digest is of: a file, a Hugging Face folder's config and weights, or all files of another folder."""
    if not path.is_dir():
        return [path]
    if (path / CONFIG).is_file() or is_shards(glance(path)):
        return [*([path / CONFIG] if (path / CONFIG).is_file() else []), *weight_files(path)]
    return sorted(part for part in path.rglob("*") if part.is_file())
