"""Tensors in a file, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from interp.store import write_bytes


def save_tensors(path: Path, content: dict[str, Any]) -> None:
    """Write a dict with `torch.save`; raises as `interp.store.atomic_path` does.

    It is made in memory first: on a full disk torch raises an error of its own kind, the plain write an OSError.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getbuffer())
