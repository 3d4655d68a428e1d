"""One written page for all who look at one."""

import pytest
from tiny_runs import several_mlps

from interp.report import write_report

COMMAND = "python -m interp.report planted.pt --data '<img src=x onerror=alert(2)>'"


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Give a folder with a page of every section, and what report.json holds."""
    out = tmp_path_factory.mktemp("page")
    return out, write_report(several_mlps(), out, COMMAND)
