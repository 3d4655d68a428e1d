"""How benchmarks end: what a user can act on is said in one line, with exit code 2."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path for path in (ROOT / "benchmarks").glob("*.py") if "\ndef main():" in path.read_text())
"""Not `same_numbers`, whose exit code says what it found, and which runs with the code of any day."""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_program_is_guarded(program):
    assert re.search(r'\nif __name__ == "__main__":\n    sys\.exit\(guarded\(main\)\)\n$', program.read_text())


def test_without_its_data_a_benchmark_ends_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["experiment2.py", "--offline", "--data-root", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "benchmarks" / "experiment2.py"), run_name="__main__")
    assert ended.value.code == 2
    assert re.fullmatch(r"error: \S+: found no readable MNIST .*; expected MNIST/raw .*\n", capsys.readouterr().err)


def test_attention_runs_wherever_it_is_called(tmp_path):
    """It trains networks of the tests, which are not installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, ROOT / "benchmarks" / "attention.py", "--help"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--networks" in ended.stdout
