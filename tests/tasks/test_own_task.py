"""A task from outside the package, seen on the command line, in the files and on the page."""

import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions
from interp.cli.main import main
from interp.errors import UsageError
from interp.run import Options, resume, run_stage, start
from interp.tasks import TASKS, find_task

TASK = """
from dataclasses import replace
from interp.tasks import REGRESSION, Score

def within(outputs, answers, form):
    error = (outputs - answers).abs()
    return (error < 0.5).all(1), error.mean(1)

NEAR = replace(
    REGRESSION, name="near", score=Score("near", "share of near answers"), right="near",
    scorer=lambda answers, scaling: within, own_scorer=lambda outputs: within,
)
"""
LIMITS = ["--levels", "4"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a network, its data and a module that holds a task."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3)).astype(np.float32)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    with torch.no_grad():
        y = net(torch.from_numpy(x)).numpy() + rng.normal(0, 0.4, (120, 2))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    (tmp_path / "my_tasks.py").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_tasks", None)


def near(here):
    """The share of samples whose two outputs are both within 0.5, by hand."""
    data, state = np.load(here / "data.npz"), torch.load(here / "net.pt")
    hidden = np.maximum(data["x"] @ state["0.weight"].numpy().T + state["0.bias"].numpy(), 0)
    outputs = hidden @ state["2.weight"].numpy().T + state["2.bias"].numpy()
    return float((np.abs(outputs - data["y"]) < 0.5).all(1).mean())


def test_it_takes_few_lines():
    assert len([line for line in TASK.splitlines() if line]) <= 15


@pytest.mark.usefixtures("few_draws", "blank_figures")
def test_it_is_seen_everywhere(here, capsys):
    said = ["net.pt", "--data", "data.npz", "--activation", "relu", "--scaling", "raw", "--task", "my_tasks:NEAR"]
    assert main(["inspect", *said]) == 0
    assert f"share of near answers on train: {near(here):.2%}" in capsys.readouterr().out
    assert main(["report", *said, "--out", "out", *LIMITS]) == 0
    found, page = json.loads((here / "out" / "report.json").read_text()), (here / "out" / "report.html").read_text()
    assert found["model"]["task"] == "my_tasks:NEAR"
    assert found["baseline"]["train"] == pytest.approx(near(here), abs=1e-12)
    assert "train share of near answers" in page
    assert f"{near(here):.2%}" in page


def test_a_recording_does_not_choose_it(here):
    load = LoadOptions(activation="relu", scaling="raw", output="linear", task="my_tasks:NEAR")
    begun = start("net.pt", here / "out", "data.npz", load, options=Options())
    run_stage(begun, begun.stage("record"))
    with pytest.raises(UsageError, match="a recording made with --task my_tasks:NEAR; expected the same"):
        resume(here / "out", Options())
    assert resume(here / "out", Options(), load).model.task == "my_tasks:NEAR"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("regresion", "did you mean regression"),
        ("my_tasks:FAR", "no attribute 'FAR'"),
        ("my_tasks:replace", "found function; expected an interp.tasks.Task"),
        ("nowhere:at_all", "No module named 'nowhere'"),
    ],
)
def test_names_that_are_no_tasks(name, said, here):
    with pytest.raises(UsageError, match=f"--task.*{said}"):
        find_task(name)


def test_known_names_are_found():
    assert [find_task(name) for name in TASKS] == list(TASKS.values())
