"""The notebooks run: their cells in order, in a namespace of their own; what a cell ends in is shown."""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} == {"network_in_memory", "one_stage_at_a_time"}


@pytest.mark.usefixtures("few_draws", "blank_figures")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = json.loads(path.read_text())
    assert found["nbformat"] == 4
    names: dict = {"__name__": "__main__"}
    for cell in found["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            shown = run(ast.parse("".join(cell["source"])), names, path.name)
            assert shown is None or len(repr(shown)) < 10_000
            if hasattr(shown, "_repr_html_"):
                assert shown._repr_html_()


def run(tree, names, where):
    """Run a cell, and give the value of its last line if that is an expression."""
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, where, "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), where, "eval"), names)
