"""Whole runs in a second: fewer draws, and figures left empty, where a test is of neither."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from matplotlib.figure import Figure

from interp.analysis import ClusterOptions, GaussianOptions
from interp.interventions import InterventionOptions
from interp.report.drawing import pictures
from interp.run.settings.options import Options
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.options import ReadingOptions

FEW = {
    "gaussians": GaussianOptions(components=2),
    "clusters": ClusterOptions(repetitions=2),
    "interventions": InterventionOptions(control_shuffles=2, control_samples=60),
    "attribution": AttributionOptions(samples=30, steps=4, repetitions=20),
    "reading": ReadingOptions(samples=40, images=20, read_copies=4),
    "directions": 2,
}


@contextmanager
def few_draws() -> Iterator[None]:
    """Let options that neither a user nor a test names be small ones; those they name are as they say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.run.settings.said.Options", partial(Options, **FEW))
        yield


@contextmanager
def blank_figures(made: bool = False) -> Iterator[None]:
    """Leave figures empty, but as many and of the same names; `tests/report` draws them all.

    With `made` they are made as ever, and only what lays them out and paints them is left out.
    """

    def blank(figure):
        if made:
            pictures._forget(drawn(figure))
        return Figure(figsize=(1, 1))

    drawn = pictures.drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "drawn", blank)
        yield
