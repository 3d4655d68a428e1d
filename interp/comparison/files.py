"""Files of weights that a comparison writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from interp.store import write_bytes


def write_state(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a state dict as safetensors, whole or not at all.

    Parameters
    ----------
    path
        Path of the file; folders above it are made.
    state
        Parameter name -> tensor, of any device and layout.

    Raises
    ------
    UsageError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import torch
    >>> from safetensors.torch import load_file
    >>> with TemporaryDirectory() as folder:
    ...     write_state(Path(folder, "a.safetensors"), {"weight": torch.ones(2, 3).t()})
    ...     load_file(Path(folder, "a.safetensors"))["weight"].shape
    torch.Size([3, 2])
    """
    # safetensors takes no tensors that share memory, as tied weights do
    tensors = {key: value.detach().cpu().contiguous().clone() for key, value in state.items()}
    write_bytes(path, save(tensors))
