"""Whole runs in a second: fewer draws, and figures left empty, where a test is of neither."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import sklearn
from PIL import Image

from interp.analysis import ClusterOptions, GaussianOptions, UntrainedOptions
from interp.interventions import InterventionOptions
from interp.report.drawing import pictures
from interp.report.drawing.pictures import Picture
from interp.run.settings.options import Options
from interp.verdict.attribution import AttributionOptions
from interp.verdict.reading.levels import count_levels
from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.options import ReadingOptions
from interp.verdict.reading.profile import ProfileOptions

FEW = {
    "gaussians": GaussianOptions(components=2),
    "clusters": ClusterOptions(rows=300, repetitions=2),
    "interventions": InterventionOptions(control_shuffles=2, control_samples=60),
    "attribution": AttributionOptions(samples=30, steps=4, repetitions=20),
    "reading": ReadingOptions(samples=40, images=20, read_copies=2),
    "directions": 2,
}


@contextmanager
def few_draws() -> Iterator[None]:
    """Let options that neither a user nor a test names be small ones, and nulls; those they name are as they say."""
    with pytest.MonkeyPatch.context() as patch, sklearn.config_context(skip_parameter_validation=True):
        patch.setattr("interp.run.settings.said.Options", partial(Options, **FEW))
        patch.setattr("interp.run.stages.clusters.UntrainedOptions", partial(UntrainedOptions, repetitions=2))
        patch.setattr("interp.analysis.nulls.nulls.PERMUTATIONS", 19)
        patch.setattr("interp.interventions.readouts.control.REPETITIONS", 20)
        for reader in ("interp.run.stages.read", "interp.verdict.reading.profile"):
            patch.setattr(f"{reader}.copies_needed", lambda layers, alpha: 2)
        patch.setattr(
            "interp.verdict.reading.read.ProfileOptions", partial(ProfileOptions, noise=NoiseOptions(draws=1))
        )
        few = partial(count_levels, cuts=(0.2, 0.5, 0.8), levels=(2, 3, 4))
        patch.setattr("interp.verdict.reading.measure.count_levels", few)
        yield


@contextmanager
def blank_figures(made: bool = False) -> Iterator[None]:
    """Leave figures empty, but as many and of the same names; `tests/report` draws them all.

    With `made` they are made as ever, and only what lays them out and paints them is left out.
    """

    def blank(figure, stem):
        if made:
            pictures._forget(pictures.drawn(figure))
        return Picture(stem, NO_PICTURE, 1, 1, "plot")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_picture", blank)
        yield


def _png() -> bytes:
    content = io.BytesIO()
    Image.new("P", (1, 1)).save(content, format="png")
    return content.getvalue()


NO_PICTURE = _png()
