"""What the README says is true: its Python runs, and its commands print what it shows."""

import re
from pathlib import Path

import pytest

from interp.cli.main import main

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.usefixtures("few_draws")
def test_the_worked_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for code in blocks("python"):
        names: dict = {}
        exec(code, names)
    assert names["found"].kind.tolist() == ["coherent", "adhoc"], "as the comment in the README says"
    capsys.readouterr()
    assert main(["inspect", "mine.pt", "--data", "digits"]) == 0
    printed = capsys.readouterr().out
    for line in ("  0: linear, 32 nodes, tanh", "  activation: tanh  [likely]", "  input_scaling: x/16  [likely]"):
        assert line in README
        assert line in printed


def test_links_lead_to_files():
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (Path(__file__).parent.parent / target).exists(), target
