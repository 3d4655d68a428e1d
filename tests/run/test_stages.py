"""The list of stages: one value each, whole and consistent, the same in the documentation, open to others."""

import json
import re
import sys
from operator import attrgetter
from pathlib import Path
from pydoc import synopsis
from types import SimpleNamespace

import numpy as np
import pytest
from run.planted import WORDS, planted_data, planted_network, planted_run

from interp.cli.commands import COMMANDS
from interp.cli.main import main
from interp.errors import UsageError
from interp.report.sections import SECTIONS
from interp.run.find import all_stages, find_stage, needed
from interp.run.pipeline import run_stages
from interp.run.settings.options import Options
from interp.run.stage import Stage
from interp.run.stages import STAGES
from interp.types import Results

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_what_the_list_says(name):
    stage = find_stage(name)
    assert stage.name == name
    assert Path(stage.file).suffix == ".h5"
    assert stage.does.strip() == synopsis(str(ROOT / "interp" / "run" / "stages" / f"{name}.py")), "--help reads that"
    assert set(stage.needs) <= set(list(STAGES)[: list(STAGES).index(name)])
    assert stage.field in {*Results.__dataclass_fields__, None}
    for option in stage.options:
        attrgetter(option)(Options())


def test_no_two_stages_share_a_file_or_a_field():
    stages = all_stages("interp.run.stages.several:STAGE").values()
    assert len({stage.file for stage in stages}) == len(stages)
    assert len({stage.field for stage in stages}) == len(stages)


def row_of(stage):
    code = [f"`{word}`" for word in stage.needs], [f"`{word}`" for word in stage.options]
    facts = (
        f"`{stage.name}`",
        stage.does.strip(),
        f"`{stage.file}`",
        f"`{stage.result.__name__}`",
        *(", ".join(words) for words in code),
    )
    return f"| {' | '.join(facts)} |"


def test_the_documentation_has_the_same_table():
    lines = (ROOT / "docs" / "stages.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("| `")]
    assert table == [row_of(stage) for stage in all_stages().values()]


def test_stages_are_run_after_those_that_they_need(tmp_path):
    run = planted_run(tmp_path)
    assert needed(run, ["prototypes"]) == ["record", "fit", "boundaries", "prototypes"]
    assert needed(run, ["attribute", "fit"]) == ["record", "attribute", "fit"]
    assert needed(run) == list(STAGES)
    with pytest.raises(UsageError, match=r"found 'fti'; expected one of .*did you mean fit"):
        run_stages(run, ["fti"])


def test_some_stages_leave_only_their_files(tmp_path):
    run = planted_run(tmp_path)
    found = run_stages(run, ["boundaries"])
    assert list(found) == ["record", "fit", "boundaries"]
    assert list(found["boundaries"]) == ["a", "b"]
    assert {path.name for path in run.out.iterdir()} == {
        "activations.h5",
        "gaussians.h5",
        "boundaries.h5",
        "timings.json",
    }


# --------------------------------------------------------------------------- a stage of the user's own

STAGE = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "stages.md").read_text(), re.DOTALL)[0]
SECTION = """
from interp.types import Section

def section(results):
    return Section("Largest of each node", tuple(f"{name}: {z[0]}" for name, z in results.extra["largest"].items()))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Work in a folder with the planted network, and a stage and a section of the user's own."""
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("mine.py").write_text(STAGE + SECTION)
    planted_data(tmp_path / "data.npz")
    planted_network(tmp_path / "net.pt")
    return tmp_path


@pytest.mark.usefixtures("few_draws", "blank_figures")
def test_a_stage_from_outside_is_in_the_commands_the_files_and_the_page(mine, monkeypatch, capsys):
    monkeypatch.setattr("interp.cli.report.SECTIONS", {"reproduce": SECTIONS["reproduce"]})  # others take seconds
    assert len([line for line in STAGE.splitlines() if line]) <= 15
    words = ("net.pt", "--data", "data.npz", *WORDS, "--stages", "mine:STAGE", "--sections", "mine:section")
    assert main(["report", *words, "--out", "out"]) == 0
    told = capsys.readouterr().err
    assert "largest: largest pre-activations of 2 layers" in told
    found = json.loads(Path("out/report.json").read_text())
    assert found["stages"][-1]["stage"] == "largest"
    assert found["sections"]["mine:section"]["text"][0].startswith("a: ")
    page = Path("out/report.html").read_text()
    assert "Find the largest pre-activations." in page
    assert "Largest of each node" in page
    assert main(["mine:STAGE", "--out", "out"]) == 0
    assert "unchanged in largest.h5" in capsys.readouterr().err
    run = planted_run(mine, stages=["mine:STAGE"])
    assert run.stage("largest").command == "python -m interp mine:STAGE"
    assert run.read("largest")["a"].shape == (5,)
    assert np.isfinite(run.read("largest")["b"]).all()


def test_a_stage_from_outside_is_one_of_the_dict_when_put_there(mine, monkeypatch, capsys):
    monkeypatch.setitem(STAGES, "largest", "mine:STAGE")
    monkeypatch.setitem(COMMANDS, "largest", "interp.cli.stage")
    for command in (["record", "net.pt", "--data", "data.npz", *WORDS[:6]], ["largest"]):
        assert main([*command, "--out", "out"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "out/largest.h5"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("STAGE = 3", "found int; expected a Stage"),
        ("STAGE =", r"SyntaxError: .*line 1"),
        ("", "has no attribute 'STAGE'"),
        ("raise ValueError", r"found ValueError \(wrong\.py, line 1\)"),
    ],
)
def test_what_is_no_stage_is_refused_in_one_line(mine, monkeypatch, capsys, code, said):
    Path("wrong.py").write_text(code)
    monkeypatch.delitem(sys.modules, "wrong", raising=False)
    assert main(["wrong:STAGE", "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error), error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("each_layer(run", "each_lair(run"), r"found NameError: name 'each_lair' is not defined .*mine\.py, line 9\)"),
        (("{len(found)}", "{found.size}"), r"found AttributeError|found 'dict' object has no attribute 'size'"),
        (("np.ndarray,", "float,"), "found ndarray results; expected float; run `python -m interp mine:STAGE`"),
        (("np.max(recording.z[layer.name], axis=0)", "object()"), "found TypeError: object is not JSON serializable"),
    ],
)
def test_what_fails_in_a_stage_from_outside_is_one_line(mine, monkeypatch, capsys, change, said):
    Path("mine.py").write_text(STAGE.replace(*change))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    assert main(["record", "net.pt", "--data", "data.npz", *WORDS[:6], "--out", "out"]) == 0
    capsys.readouterr()
    assert main(["mine:STAGE", "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error), error
    assert error.count("\n") == 1
    assert not list(Path("out").glob(".*"))


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (Stage("fit", "", "x.h5", float, (), len, list), "the name or file of another"),
        (Stage("x", "", "gaussians.h5", float, (), len, list), "the name or file of another"),
        (Stage("x", "", "x.h5", float, ("nothing",), len, list), "need of nothing"),
    ],
)
def test_a_stage_has_a_name_and_a_file_of_its_own(mine, monkeypatch, stage, said):
    monkeypatch.setitem(sys.modules, "other", SimpleNamespace(STAGE=stage))
    with pytest.raises(UsageError, match=said):
        all_stages("other:STAGE")
