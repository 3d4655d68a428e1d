"""Formats of other programs: name -> what it is and what writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from interp.errors import InterpError, UsageError
from interp.interchange.anndata import write_anndata
from interp.interchange.contents import Contents
from interp.interchange.netcdf import write_netcdf
from interp.interchange.npz import write_npz
from interp.interchange.parquet import write_parquet
from interp.interchange.zarr import write_zarr
from interp.safety import look_up, problem
from interp.store import atomic_folder, atomic_path, check_writable, file_name

INSTALL = "pip install 'interp[export]'"


@dataclass(frozen=True)
class Format:
    """One way to write recorded values and the table of nodes.

    Attributes
    ----------
    does
        A few words for `--help`.
    ending
        Ending of the file's or folder's name.
    write
        Function of the contents and a path that writes them there.
    is_folder
        Whether a folder is made, which is there when `write` is called; else a file.
    needs
        Packages that write it.

    Examples
    --------
    >>> FORMATS["parquet"].ending, FORMATS["parquet"].needs
    ('-parquet', ('pyarrow',))
    """

    does: str
    ending: str
    write: Callable[[Contents, Path], None]
    is_folder: bool = False
    needs: tuple[str, ...] = ()


FORMATS = {
    "parquet": Format("a folder of tables, a column a node", "-parquet", write_parquet, True, ("pyarrow",)),
    "zarr": Format("a folder of chunked arrays", ".zarr", write_zarr, True, ("zarr",)),
    "npz": Format("one archive of arrays", ".npz", write_npz),
    "anndata": Format("a folder of matrices with their rows and nodes", "-anndata", write_anndata, True, ("anndata",)),
    "xarray": Format("one netCDF file of named dimensions", ".nc", write_netcdf, False, ("h5netcdf",)),
}
"""Name of a format -> how it is written."""


def write_as(name: str, contents: Contents, path: Path) -> Path:
    """Write contents in one of `FORMATS`, whole or not at all.

    Parameters
    ----------
    name
        Name of the format.
    contents
        Recorded values and the table of nodes.
    path
        File or folder to make, which must not be there.

    Returns
    -------
    Path
        Path of the file or folder that was made.

    Raises
    ------
    UsageError
        If there is no such format, a package that it needs is not installed, something has the name already, or the
        disk is full.

    Examples
    --------
    >>> write_as("npz", None, Path("interp"))
    Traceback (most recent call last):
    ...
    interp.errors.UsageError: interp: found a folder; expected the name of a file; choose another name
    """
    chosen = find_format(name)
    if os.path.lexists(file_name(path)):
        expected = "a name that nothing has yet"
        do = "remove it, or choose another with --out"
        raise UsageError(path, found="something of that name", expected=expected, do=do)
    check_writable(path.parent)
    with (atomic_folder if chosen.is_folder else atomic_path)(path) as part:
        _write(name, chosen, contents, part)
    return path


def _write(name: str, chosen: Format, contents: Contents, path: Path) -> None:
    """Write contents, and say in one line what is wrong with a format of the user's own."""
    try:
        chosen.write(contents, path)
    except Exception as error:  # the user's code fails in its own way
        if ":" not in name or isinstance(error, InterpError | OSError):
            raise
        expected = "a format that writes"
        raise UsageError(f"format {name}", found=problem(error), expected=expected, do="correct it") from error


def find_format(name: str) -> Format:
    """Give a format by its name, whose packages are installed.

    Parameters
    ----------
    name
        Name of one of `FORMATS`, or a user's own as ``package.module:name``.

    Raises
    ------
    UsageError
        If there is none of that name, it is no format, or a package that it needs is not installed.

    Examples
    --------
    >>> find_format("npz").does
    'one archive of arrays'
    """
    found = look_up(name, FORMATS, "format")
    if not isinstance(found, Format):
        expected = "a Format"
        raise UsageError(f"format {name}", found=type(found).__name__, expected=expected, do="give one by its name")
    missing = [package for package in found.needs if find_spec(package) is None]
    if missing:
        raise UsageError(f"format {name}", found=f"no package {missing[0]}", expected="it to be installed", do=INSTALL)
    return found
