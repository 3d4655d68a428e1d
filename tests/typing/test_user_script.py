"""A user's script that uses every public name runs, and type checkers accept it."""

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import interp

SCRIPT = Path(__file__).with_name("user_script.py")
ROOT = Path(__file__).parents[2]


def test_it_uses_every_public_name():
    tree = ast.walk(ast.parse(SCRIPT.read_text()))
    used = {node.attr for node in tree if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "interp"}
    assert used == set(interp.__all__)


@pytest.mark.usefixtures("few_draws", "blank_figures")
def test_it_runs(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "no-such-file.pt: found" in capsys.readouterr().out


def checked(tmp_path, *command):
    return subprocess.run(
        [*command], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "MYPY_CACHE_DIR": ".mypy_cache"}
    )


def test_mypy_reads_it_in_strict_mode():
    """`mypy`, a step of CI of its own, fails where the script is refused: it reads torch for half a minute."""
    said = (ROOT / "pyproject.toml").read_text().partition("[tool.mypy]\n")[2].partition("\n[")[0]
    assert "strict = true" in said.splitlines()
    assert str(SCRIPT.relative_to(ROOT)) in re.search(r"^files = (\[.*\])$", said, re.M)[1]
    assert ".venv/bin/mypy" in (ROOT / ".ci" / "run").read_text().splitlines()


def test_pyright_accepts_it(tmp_path):
    """Pyright fetches node when it is first run: no requirement of the tests, and used where it is installed."""
    pyright = Path(sys.executable).with_name("pyright")
    if not (pyright.exists() or shutil.which("pyright")):
        pytest.skip("pyright is not installed")
    done = checked(
        tmp_path, str(pyright if pyright.exists() else "pyright"), "--pythonpath", sys.executable, str(SCRIPT)
    )
    assert "0 errors" in done.stdout, done.stdout
