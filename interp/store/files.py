"""Files of results: whole or absent, with the provenance that later stages check."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import h5py

from interp.errors import MismatchError
from interp.store.atomic import write_bytes
from interp.store.belonging import flat
from interp.store.checks.heaps import reading
from interp.store.checks.sound import check_seal, check_sound, prepare_seal, seal
from interp.store.codec.rows import check_packed_rows
from interp.store.elements import CLASSES, READABLE, VERSION, read_element, write_element
from interp.store.handles import attributes
from interp.store.packed import check_packed
from interp.types import Provenance
from interp.types.annotations.fields import field_types
from interp.types.annotations.held import check_shapes

Result = TypeVar("Result")
RESULTS = "interp-results"
RECORDING = "interp-recording"
PACKING = {RESULTS: check_packed, RECORDING: check_packed_rows}
"""Kind of a file -> check of arrays that are packed in it."""

DAMAGE = (
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors that h5py and the readers of elements raise on bytes that are not what was written."""


def write_results(path: Path, results: Mapping[str, Any], provenance: Provenance) -> None:
    """Write one stage's results, whole or not at all.

    The file is made in memory: where the disk is full HDF5 itself ends the program, without an error of ours.

    Parameters
    ----------
    path
        Path of the file; folders above it are made.
    results
        Layer name -> its result, or several.
    provenance
        Model, data and options of the results, to be saved with them.

    Raises
    ------
    UsageError
        If the folder cannot be written or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from interp.types import Thresholds
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "thresholds.h5")
    ...     write_results(path, {"fc1": Thresholds(epsilon=0.5)}, Provenance("ab", "cd", 0, {}, {}))
    ...     results, provenance = read_results(path, Thresholds, "interp fit")
    >>> results["fc1"].epsilon, provenance.model_digest
    (0.5, 'ab')
    """
    with h5py.File(secrets.token_hex(8), "w", driver="core", backing_store=False) as file:
        file.attrs["encoding-type"], file.attrs["encoding-version"] = RESULTS, VERSION
        prepare_seal(file)
        write_element(file, "provenance", provenance)
        write_element(file, "results", dict(results))
        seal(file)
        file.flush()
        write_bytes(path, file.id.get_file_image())


def read_results(
    path: Path, kind: type[Result], remedy: str, is_sealed: bool = True
) -> tuple[dict[str, Result], Provenance]:
    """Read what `write_results` wrote, and check it against the fields of its class.

    Parameters
    ----------
    path
        Path of the file.
    kind
        Class of every result.
    remedy
        Command that makes the file anew, for the error.
    is_sealed
        Whether the content is held against its digest, which takes reading it twice.

    Returns
    -------
    dict, Provenance
        Layer name -> its result, or several; and the provenance of the file.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another kind or version.

    Examples
    --------
    >>> from interp.types import GaussianFit
    >>> read_results(Path("gaussians.h5"), GaussianFit, "interp fit")
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: gaussians.h5: found no such file; expected a file of results; run `interp fit`
    """
    with opened(path, RESULTS, remedy, is_sealed) as file:
        classes = {**CLASSES, **_held(kind)}  # a user's own stage finds a class of the user's own
        results, provenance = read_element(file["results"], classes), provenance_of(file)
        parts = [part for value in results.values() for part in flat(value)]
        for part in parts:
            check_shapes(part)
    if not all(isinstance(part, kind) for part in parts):
        found = sorted({type(part).__name__ for part in parts})
        raise MismatchError(path, found=f"{', '.join(found)} results", expected=kind.__name__, do=f"run `{remedy}`")
    return results, provenance


def _held(kind: type) -> dict[str, type]:
    """Give a class and the dataclasses that its fields hold, by name."""
    found = {kind.__name__: kind}
    for expected in field_types(kind).values():
        for part in (expected, *get_args(expected)):
            found |= _held(part) if is_dataclass(part) and isinstance(part, type) else {}
    return found


def read_provenance(path: Path, remedy: str) -> Provenance:
    """Read the provenance of a file of results or a recording.

    The rest of the file is neither read nor compared with its digest.

    Parameters
    ----------
    path
        Path of the file.
    remedy
        Command that makes the file anew, for the error.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another kind or version.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "nothing.h5")
    ...     write_results(path, {}, Provenance("ab", "cd", 7, {}, {}))
    ...     read_provenance(path, "interp fit").seed
    7
    """
    with opened(path, None, remedy, is_sealed=False, part="provenance") as file:
        return provenance_of(file)


def provenance_of(file: h5py.File) -> Provenance:
    """Read the provenance of an open file.

    Parameters
    ----------
    file
        HDF5 file of ours.

    Raises
    ------
    ValueError
        If the file states none.
    """
    found = read_element(file["provenance"])
    digests = (found.model_digest, found.data_digest) if isinstance(found, Provenance) else ()
    if not digests or not all(isinstance(each, str) for each in digests) or not isinstance(found.settings, dict):
        raise ValueError("no provenance")
    assert isinstance(found, Provenance)
    return found


@contextmanager
def opened(
    path: Path, encoding: str | None, remedy: str, is_sealed: bool = True, part: str | None = None
) -> Iterator[h5py.File]:
    """Open a file of ours to read, or say what is wrong with it.

    Parameters
    ----------
    path
        Path of the file.
    encoding
        Kind of the file; None for any of ours.
    remedy
        Command that makes the file anew, for the error.
    is_sealed
        Whether the content is compared with the digest, which takes reading all of it.
    part
        Name of the only element that is read, whose structure alone is then checked; None for the whole file.

    Yields
    ------
    File
        HDF5 file, closed at the end of the block.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another kind or version; also where the block finds damage.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(reading(path))
        except (OSError, ValueError) as error:
            found, do = _unopened(path, error), f"run `{remedy}`"
            raise MismatchError(path, found=found, expected="a file of results", do=do) from error
        try:
            _check_encoding(path, file, encoding, remedy)
            nodes = check_sound(file, part, PACKING.get(file.attrs["encoding-type"]))
            if is_sealed:
                check_seal(file, nodes)
            yield file
        except DAMAGE as error:
            raise MismatchError(
                path, found="a damaged file", expected=f"a whole {encoding or 'file'}", do=f"run `{remedy}`"
            ) from error


def is_there(path: Path) -> bool:
    """Tell whether there is a file or folder; of a name that none can have, that there is not.

    Parameters
    ----------
    path
        Path of the file or folder.

    Examples
    --------
    >>> is_there(Path("interp")), is_there(Path("x" * 5000))
    (True, False)
    """
    return os.path.exists(path)  # noqa: PTH110 - never raises, unlike that of `Path`


def _unopened(path: Path, error: Exception) -> str:
    """Say why HDF5 does not open a file."""
    if not is_there(path):
        return "no such file"
    if path.is_dir():
        return "a folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    sizes = re.search(r"truncated file: eof = (\d+).* stored_eof = (\d+)", str(error))
    return f"a file cut short, {int(sizes[1]):,} of {int(sizes[2]):,} bytes" if sizes else "a damaged or foreign file"


def _check_encoding(path: Path, file: h5py.File, encoding: str | None, remedy: str) -> None:
    said = dict(attributes(file["/"].id))
    kind, version = said.get("encoding-type"), said.get("encoding-version", 0)
    is_meant = str(kind).startswith("interp-") if encoding is None else kind == encoding
    is_newer = is_meant and str(version).isdecimal() and int(version) > VERSION
    if not isinstance(kind, str) or not is_meant or str(version) not in map(str, READABLE):
        raise MismatchError(
            path,
            found=f"{kind or 'foreign data'} of version {version}",
            expected=f"{encoding or 'results'} of version {' or '.join(map(str, READABLE))}",
            do=f"update interp, or run `{remedy}`" if is_newer else f"run `{remedy}`",
        )


def check_same(path: Path, found: Provenance, wanted: Provenance, remedy: str) -> None:
    """Refuse results of another model or data set.

    Parameters
    ----------
    path
        File that the results were read from, for the error.
    found
        Provenance of the results.
    wanted
        Provenance with the digests of the model and data at hand.
    remedy
        Command that makes the file anew, for the error.

    Raises
    ------
    MismatchError
        If the digest of the model or of the data is another one.

    Examples
    --------
    >>> found, wanted = Provenance("ab", "cd", 0, {}, {}), Provenance("ef", "cd", 0, {}, {})
    >>> check_same(Path("gaussians.h5"), found, wanted, "interp fit")
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: gaussians.h5: found results of another model (ab); expected ef; run `interp fit`
    """
    for what in ("model", "data"):
        theirs, ours = getattr(found, f"{what}_digest"), getattr(wanted, f"{what}_digest")
        if theirs != ours:
            raise MismatchError(
                path, found=f"results of another {what} ({theirs[:12]})", expected=ours[:12], do=f"run `{remedy}`"
            )
