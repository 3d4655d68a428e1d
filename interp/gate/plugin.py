"""The pytest plugin: the fixture ``interp_check`` makes a test of conditions. Imports next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def interp_check(tmp_path: Path) -> Callable[..., Any]:
    """Give a function that checks a network, and fails the test where a condition fails.

    Parameters
    ----------
    tmp_path
        Folder of the test, which takes the files of the stages.

    Returns
    -------
    function
        Function of a network, its data and the keywords of `interp.check`; it returns the `Gate` where all pass.
    """

    def check(source: Any, data: Any = None, **options: Any) -> Any:
        __tracebackhide__ = True
        from interp import check as interp_check

        gate = interp_check(source, data, **{"out": tmp_path / "interp-check", **options})
        if not gate.passed:
            pytest.fail("\n".join([f"interp check {gate.network} on {gate.data}", *gate.lines()]), pytrace=False)
        return gate

    return check
