"""An intervention from outside the package, seen on the command line, in the files and on the page."""

import json
import sys

import numpy as np
import pytest
import torch
from small_networks import learned, mlp

from interp.cli.main import main
from interp.interventions import INTERVENTIONS, NO_OPS
from interp.store import read_results
from interp.types import Effects

INTERVENTION = """
import torch
from interp.interventions import INTERVENTIONS, NO_OPS, Edit

def coarse(level, ranges):
    return Edit(after=lambda a: torch.round(a / level) * level) if level else Edit()

coarse.levels, coarse.no_op = (0.0, 0.5, 2.0), 0.0
INTERVENTIONS["coarse"], NO_OPS["coarse"] = coarse, 0.0
"""

LEVELS = (0.0, 0.5, 2.0)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a network, its data and a module that holds an intervention."""
    (tmp_path / "my_edits.py").write_text(INTERVENTION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    chain, plain = mlp("relu", widths=(64, 6, 5))
    split = learned(plain)
    torch.save(chain.state_dict(), tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", x=split.inputs, y=split.labels)
    yield tmp_path, plain, split
    sys.modules.pop("my_edits", None)
    INTERVENTIONS.pop("coarse", None)
    NO_OPS.pop("coarse", None)


def test_it_takes_few_lines():
    assert len([line for line in INTERVENTION.splitlines() if line]) <= 15


SAID = ["--data", "data.npz", "--activation", "relu", "--scaling", "raw", "--output", "linear", "--out", "out"]


def swept(name):
    return ["--interventions", f"scale,{name}", "--levels", "3", "--curve-levels", "0"]


def assert_swept(here, name):
    folder, plain, split = here
    table = read_results(folder / "out" / "effects.h5", Effects, "")[0]["all"].table
    rows = table[(table["intervention"] == name) & (table["layer"] == "0")].sort_values("level")
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    expected = [plain.hits(x, labels, layer=0, after=lambda a, k=k: torch.round(a / k) * k if k else a) for k in LEVELS]
    assert len(set(expected)) == 3
    assert rows["level"].tolist() == list(LEVELS)
    assert np.round(rows["score"] * len(split)).tolist() == expected


@pytest.mark.usefixtures("few_draws")
def test_an_entry_of_the_dict_is_swept(here):
    __import__("my_edits")
    assert main(["record", "net.pt", *SAID]) == 0
    assert main(["intervene", "--out", "out", *swept("coarse")]) == 0
    assert_swept(here, "coarse")


@pytest.mark.usefixtures("few_draws", "blank_figures")
def test_what_is_named_by_its_module_is_seen_everywhere(here):
    name, folder = "my_edits:coarse", here[0]
    assert main(["report", "net.pt", *SAID, *swept(name)]) == 0
    assert_swept(here, name)
    document = json.loads((folder / "out" / "report.json").read_text())
    assert name in {row["intervention"] for row in document["interventions"]}
    assert name in (folder / "out" / "report.html").read_text()
