"""What every test may use."""

import os
from pathlib import Path

import pytest

# Read when torch is first imported, as the commands set it: spinning threads take a busy machine from each other.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of published checkpoints and data beside the repository; skip where it is not."""
    data = os.environ.get("INTERP_DATA")
    for folder in (Path(__file__).parents[2] / "shared", *([Path(data).parent] if data else [])):
        if (folder / "fixtures").is_dir():
            return folder
    pytest.skip("no folder of shared fixtures beside the repository or beside INTERP_DATA")


@pytest.fixture(scope="session")
def mnist_root(shared) -> Path:
    """Give the folder that MNIST/raw lies in; skip where it is not."""
    if not (shared / "data" / "MNIST" / "raw").is_dir():
        pytest.skip("no MNIST")
    return shared / "data"
