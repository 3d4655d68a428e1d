"""The papers of the project name what is there."""

import importlib
import re
from pathlib import Path

import interp

ROOT = Path(__file__).parents[1]


def test_the_reference_lists_every_public_name_once():
    listed = re.findall(r"^::: interp\.([\w.]+)$", (ROOT / "docs" / "reference.md").read_text(), re.M)
    assert sorted(name.rpartition(".")[2] for name in listed) == sorted(interp.__all__)
    for name in listed:
        module, _, attribute = f"interp.{name}".rpartition(".")
        assert getattr(importlib.import_module(module), attribute) is getattr(interp, attribute)


def recipes():
    table = (ROOT / "CONTRIBUTING.md").read_text().split("## To add")[1]
    return re.findall(r"^\| (an? [\w ]+|the [\w ]+) \|.*\| `([\w.]+)` \| `([\w/.]+)` \|$", table, re.M)


def test_every_recipe_names_a_dict_and_the_test_that_proves_it():
    found = recipes()
    assert len(found) >= 8
    for what, name, test in found:
        module, _, attribute = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), attribute), dict), what
        assert (ROOT / test).exists(), test


def test_links_of_the_papers_lead_somewhere():
    for paper in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / paper).read_text()):
            assert (ROOT / target).exists(), f"{paper}: {target}"
