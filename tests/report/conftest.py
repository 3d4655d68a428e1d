"""One written page for all who look at one."""

import os
from pathlib import Path

import pytest
from tiny_runs import once, several_mlps

from interp.report import write_report

collect_ignore = ["take_pictures.py"]  # a script, which is run from its own folder

COMMAND = "python -m interp.report planted.pt --data '<img src=x onerror=alert(2)>'"


@once
def one_page():
    out = Path(os.environ["TINY_RUNS"]) / "page"
    return out, write_report(several_mlps(), out, COMMAND)


@pytest.fixture(scope="session")
def written():
    """Give a folder with a page of every section, and what report.json holds."""
    return one_page()
