"""A kind of layer from outside the package, seen on the command line, in the files and on the page."""

import json
import sys

import numpy as np
import pytest
import torch

from interp.cli.main import main
from interp.network.kinds import NODE_KINDS
from interp.store import read_results
from interp.types import Boundaries

KIND = """
import torch
from torch import nn
from interp.network.kinds import NODE_KINDS, NodeKind

class Blobs(nn.Module):
    def __init__(self):
        super().__init__()
        self.points = nn.Parameter(torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
    def forward(self, x):
        return torch.cdist(x, self.points)

NODE_KINDS["my_layers.Blobs"] = NodeKind("blobs", weight="points", distances=True)
make = lambda: nn.Sequential(Blobs(), nn.Linear(5, 3))
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a module that holds a kind of layer, a checkpoint of it and data."""
    (tmp_path / "my_layers.py").write_text(KIND)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    state = {"0.points": torch.randn(5, 4, generator=torch.Generator().manual_seed(1))}
    torch.manual_seed(0)
    torch.save(state | {"1.weight": torch.randn(3, 5), "1.bias": torch.zeros(3)}, tmp_path / "net.pt")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(200, 4)).astype(np.float32), y=rng.integers(0, 3, 200))
    yield tmp_path
    sys.modules.pop("my_layers", None)
    NODE_KINDS.pop("my_layers.Blobs", None)


def test_it_takes_few_lines():
    assert len([line for line in KIND.splitlines() if line]) <= 15


@pytest.mark.usefixtures("few_draws", "blank_figures")
def test_it_is_seen_everywhere(here, capsys):
    said = ["net.pt", "--data", "data.npz", "--model", "my_layers:make", "--scaling", "raw"]
    assert main(["inspect", *said]) == 0
    assert "blobs" in capsys.readouterr().out
    assert main(["report", *said, "--out", "out", "--levels", "4"]) == 0
    found, page = json.loads((here / "out" / "report.json").read_text()), (here / "out" / "report.html").read_text()
    assert [layer["kind"] for layer in found["model"]["layers"]] == ["blobs", "linear"]
    assert "blobs" in page
    kinds = read_results(here / "out" / "boundaries.h5", Boundaries, "")[0]["0"].kind
    assert set(kinds) <= {"one-sided", "adhoc", "coherent"}  # distances are positive: the boundary is passed by nothing
    assert (kinds == "one-sided").all()
