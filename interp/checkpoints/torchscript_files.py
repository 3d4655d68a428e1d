"""TorchScript archives: their tensors and the names of their layers, without running their code."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from interp.checkpoints.contents import Contents, contents_of
from interp.checkpoints.inert import load_inert
from interp.errors import CheckpointError, first_line

KEPT = ("data.pkl", "version", "byteorder")


def read_torchscript(path: Path, format: str, allow_pickle: bool = False) -> Contents:
    """Read a scripted or traced module's weights; its code is left in the archive.

    Raises
    ------
    CheckpointError
        If it is damaged, or keeps its weights in a way that needs its code.
    """
    try:
        return contents_of(load_inert(path, _without_code(path)), format, path)
    except CheckpointError:
        raise
    except Exception as error:  # damage shows in many types; so do pickles that a stand-in cannot serve
        raise CheckpointError(
            path,
            found=f"a TorchScript archive that does not open ({first_line(error)})",
            expected="one written by torch.jit.save",
            do="load it with torch.jit and save its state_dict()",
        ) from error


def _without_code(path: Path) -> io.BytesIO:
    """Copy the parts that a plain checkpoint has: with code beside them `torch.load` would refuse to read tensors."""
    copy = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as plain:
        for name in archive.namelist():
            root, _, member = name.partition("/")
            if member in KEPT or member.startswith("data/"):
                plain.writestr(f"{root}/{member}", archive.read(name))
    copy.seek(0)
    return copy
