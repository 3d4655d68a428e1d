"""What every test may use."""

import os
from pathlib import Path

import pytest

# Read when torch is first imported, as the commands set it: spinning threads take a busy machine from each other.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):  # they share the cores, so their threads do too
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

MOST_WORKERS = 8  # each takes about 1 GB


def pytest_xdist_auto_num_workers() -> int:
    """Give the number of processes for ``-n auto``."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


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


@pytest.fixture(scope="session", autouse=True)
def _folder_of_tiny_runs(tmp_path_factory):
    """Give all processes of a session one folder for what they make once; see tiny_runs.py."""
    folder = tmp_path_factory.getbasetemp()
    os.environ["TINY_RUNS"] = str(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
