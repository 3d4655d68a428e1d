"""The program as torchrun starts it: two processes that find what one does, and speak with one voice."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from run.planted import planted_data

from interp.network.inputs import BLOCK
from interp.store import open_recording

ROOT = Path(__file__).parents[2]
LONG = 8 * BLOCK + 1
"""Number of samples of a small network that one block does not hold."""


def torchrun(folder, *words):
    """Run the program in two processes; give what torchrun and they said."""
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    launch += ["--rdzv-endpoint", "localhost:0", "-m", "interp", *map(str, words)]
    given = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run([sys.executable, *launch], cwd=folder, env=os.environ | given, capture_output=True, text=True)


def lengthened(path):
    """Repeat the training samples of a data set until they are of two blocks."""
    data = dict(np.load(path))
    data |= {name: np.resize(data[name], (LONG, *data[name].shape[1:])) for name in ("x_train", "y_train")}
    np.savez(path, **data)


@pytest.fixture
def folder(tmp_path):
    torch.save({"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}, tmp_path / "net.pt")
    planted_data(tmp_path / "data.npz")
    return tmp_path


GIVEN = ("--data", "data.npz", "--activation", "abs", "--scaling", "raw", "--output", "linear", "--out", "out")


def test_two_processes_record_and_one_speaks(folder):
    lengthened(folder / "data.npz")
    done = torchrun(folder, "record", "net.pt", *GIVEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["out/activations.json"]
    assert done.stderr.count(f"record: 1 layer, {LONG:,} rows of training") == 1
    files = sorted(file.name for file in (folder / "out").glob("activations.*"))
    assert files == ["activations.0-of-2.h5", "activations.1-of-2.h5", "activations.json"]
    for split, samples in (("train", LONG), ("test", 60)):
        with open_recording(folder / "out" / "activations.h5", split) as recording:
            assert recording.z["a"].shape == (samples, 3)


def test_an_error_is_said_by_each_with_its_rank(folder):
    done = torchrun(folder, "record", "no.pt", *GIVEN)
    assert done.returncode == 1  # torchrun's own
    assert "exitcode  : 2" in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert 1 <= len(said) <= 2
    assert all(line.startswith(("error: rank 0: ", "error: rank 1: ")) and "no.pt" in line for line in said)


def test_a_command_that_is_not_divided_is_run_by_the_first_alone(folder):
    done = torchrun(folder, "check", "net.pt", *GIVEN, "--fail-on", "dead>99%")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pass  dead>99%: dead is 0.00%\n"
    assert (folder / "out" / "activations.h5").exists(), "the recording of one process"
