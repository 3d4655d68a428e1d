"""Files of weights, loaded once their pickles are checked."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile, is_zipfile

from interp.safety.pickle_scan import check_pickle

LEGACY_PICKLES = 5  # magic number, protocol, machine, the object, the storages' keys
MAPPED = 2**30  # bytes of a file whose tensors stay on the disk: one that is written anew meanwhile ends the program
ZIP = b"PK\x03\x04"


def load_weights(source: Path | IO[bytes], *, checked: bool = False) -> Any:
    """Load a file that `torch.save` wrote under ``weights_only``, once its pickles are checked.

    Parameters
    ----------
    source
        File, or seekable stream at its beginning.
    checked
        Whether the pickles were checked before, or the user trusts the file.

    Returns
    -------
    object
        Content of the file, tensors on the CPU.

    Raises
    ------
    UnsafePickle
        If its values would take far more time or memory than a file of its size should.

    Examples
    --------
    >>> import io, torch
    >>> stream = io.BytesIO()
    >>> torch.save({"weight": torch.zeros(2)}, stream)
    >>> _ = stream.seek(0)
    >>> load_weights(stream)
    {'weight': tensor([0., 0.])}
    """
    import torch

    if not checked:
        classes_given_items(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old types and protocols, which the user of a file cannot change
        return torch.load(source, map_location="cpu", weights_only=True, mmap=_is_mapped(source))


def classes_given_items(source: Path | IO[bytes]) -> dict[str, type]:
    """Check the pickles of a file that `torch.save` wrote, and find the classes that they set items of.

    Parameters
    ----------
    source
        File, or seekable stream at its beginning.

    Returns
    -------
    dict
        Classes of all of them, as `check_pickle` gives those of one.

    Raises
    ------
    UnsafePickle
        If their values would take far more time or memory than a file of its size should.

    Examples
    --------
    >>> import io, torch
    >>> from collections import deque
    >>> stream = io.BytesIO()
    >>> torch.save({"weight": torch.zeros(2), "losses": deque([0.5])}, stream)
    >>> _ = stream.seek(0)
    >>> classes_given_items(stream)
    {'collections.deque': <class 'list'>}
    """
    return {name: kind for pickled in _pickles(source) for name, kind in check_pickle(pickled).items()}


def _is_mapped(source: Path | IO[bytes]) -> bool:
    """Tell whether tensors are read from the disk as they are used: those of a large file, if none is packed."""
    if not isinstance(source, Path) or source.stat().st_size < MAPPED or not is_zipfile(source):
        return False
    with ZipFile(source) as archive:
        return all(info.compress_type == ZIP_STORED for info in archive.infolist())


def _pickles(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield streams at the positions where a pickle begins, found as `torch.load` finds them."""
    from torch._C import PyTorchFileReader

    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        head = file.read(len(ZIP))
        file.seek(0)
        if head == ZIP:
            yield io.BytesIO(PyTorchFileReader(file).get_record("data.pkl"))
        else:
            for _ in range(LEGACY_PICKLES):
                yield file
        file.seek(0)
