"""A small sound network with its data, on disk for as long as the process lives."""

from __future__ import annotations

import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

WIDTHS = (6, 5, 3)
ROWS = 40
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-base-")


@cache
def base() -> Path:
    """Give the folder that holds ``net.pt``, 6-5-3, and ``data.npz``, 40 rows of three classes."""
    folder = Path(_FOLDER.name)
    np.savez(folder / "data.npz", **arrays())
    generator = torch.Generator().manual_seed(0)
    state = {}
    for number, (inputs, nodes) in enumerate(pairwise(WIDTHS)):
        state[f"fc{number}.weight"] = torch.randn(nodes, inputs, generator=generator)
        state[f"fc{number}.bias"] = torch.zeros(nodes)
    torch.save(state, folder / "net.pt")
    return folder


def arrays() -> dict[str, np.ndarray]:
    """Make the data: ``x_train``, ``y_train``, ``x_test`` and ``y_test``."""
    rng = np.random.default_rng(0)
    x, y = rng.random((ROWS, WIDTHS[0])).astype(np.float32), np.arange(ROWS) % WIDTHS[-1]
    return {"x_train": x, "y_train": y, "x_test": x[:10], "y_test": y[:10]}
