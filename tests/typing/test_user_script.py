"""A user's script that uses every public name runs, and type checkers accept it."""

import ast
import os
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


def test_mypy_accepts_it(tmp_path):
    pytest.importorskip("mypy")
    done = checked(tmp_path, sys.executable, "-m", "mypy", "--strict", str(SCRIPT))
    assert done.returncode == 0, done.stdout


def test_pyright_accepts_it(tmp_path):
    """Pyright fetches node when it is first run: no requirement of the tests, and used where it is installed."""
    pyright = Path(sys.executable).with_name("pyright")
    if not (pyright.exists() or shutil.which("pyright")):
        pytest.skip("pyright is not installed")
    done = checked(
        tmp_path, str(pyright if pyright.exists() else "pyright"), "--pythonpath", sys.executable, str(SCRIPT)
    )
    assert "0 errors" in done.stdout, done.stdout
