"""Files written by `torch.save`: zip archives, and the older pickle stream."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import torch

from interp.checkpoints.formats.contents import Contents, contents_of, holds_weights
from interp.checkpoints.formats.inert import load_inert
from interp.errors import CheckpointError, first_line
from interp.safety import UnsafePickle, load_weights


def read_torch(path: Path, allow_pickle: bool = False) -> Contents:
    """Read a torch file with ``weights_only``; nothing in it runs unless `allow_pickle`.

    Raises
    ------
    CheckpointError
        If it is damaged, holds no weights, or needs code to run.
    """
    try:
        return contents_of(load_torch(path, allow_pickle), path)
    except UnsafePickle as error:
        raise distrusted(path, error) from error


def load_torch(path: Path, allow_pickle: bool = False) -> Any:
    """Load what `torch.save` wrote, with stand-ins for classes that weights alone do not need.

    Raises
    ------
    CheckpointError
        If it is damaged, or needs code to run.
    UnsafePickle
        If it asks for more than weights need.
    """
    try:
        return load_weights(path, checked=allow_pickle)
    except UnsafePickle:
        raise
    except pickle.UnpicklingError as error:
        return _unpickle(path) if allow_pickle else _without_code(path, error)
    except Exception as error:  # damage shows as RuntimeError, EOFError, KeyError, UnicodeDecodeError ...
        raise CheckpointError(
            path,
            found=f"a torch file cut short or damaged ({first_line(error)})",
            expected="a whole file",
            do="copy or download it again",
        ) from error


def distrusted(path: Path, error: UnsafePickle) -> CheckpointError:
    """Build the error for a pickle that asks for more than weights need."""
    return CheckpointError(path, found=str(error), expected="a pickle of weights", do="do not trust this file")


def _needs_code(path: Path, error: Exception) -> CheckpointError:
    names = re.search(r"GLOBAL (\S+)|[Uu]nsupported (?:global|class) (\S+)", str(error))
    name = next((group for group in names.groups() if group), "") if names else ""
    what = f"a pickled Python object ({name})" if name else f"a pickle that is not plain weights ({first_line(error)})"
    return CheckpointError(
        path,
        found=what,
        expected="tensors only",
        do="save model.state_dict() instead, or pass --allow-pickle if you trust the file to run code",
    )


def _without_code(path: Path, refused: pickle.UnpicklingError) -> Any:
    """Load with stand-ins for the classes that weights alone do not need."""
    try:
        loaded = load_inert(path)
    except UnsafePickle:
        raise
    except Exception as error:  # damage, or pickles that ask for more than a stand-in can give
        raise _needs_code(path, refused) from error
    if not holds_weights(loaded):
        raise _needs_code(path, refused) from refused
    return loaded


def _unpickle(path: Path) -> Any:
    """Load with pickle's full power: code in the file runs, as the user allowed."""
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # whatever the file's own code raises
        raise CheckpointError(
            path,
            found=f"a pickle that does not load here ({type(error).__name__}: {first_line(error)})",
            expected="its classes to be importable",
            do="run from the folder that defines them, or save model.state_dict()",
        ) from error
