"""Every reproduction from training to report, on a few made-up images."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from interp.analysis import ClusterOptions, GaussianOptions, fit_gaussians, match_clusters
from interp.data import DataOptions
from interp.errors import UsageError
from interp.types import Dataset, Split
from zoo.papers.as_nn import experiment1, hidden_layer, hypotheses, open_questions
from zoo.papers.options import ReproduceOptions
from zoo.papers.papers import PAPERS
from zoo.papers.report.stored import read_cells, whole
from zoo.survey import coherence, reading, survey, tables
from zoo.survey.networks import Condition
from zoo.survey.planted import planted_rarity


def made_up_mnist():
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (10, 784)) * (rng.random(784) < 0.5)

    def split(count):
        labels = np.arange(count) % 10
        noisy = np.clip(patterns[labels] + rng.normal(0, 20, (count, 784)) * (patterns[labels] > 0), 0, 255)
        return Split(noisy.astype(np.uint8), labels.astype(np.int64))

    splits = {"train": split(300), "test": split(100)}
    return Dataset("mnist", splits, (1, 28, 28), tuple("0123456789"), (), "made up")


@pytest.fixture
def options(tmp_path, monkeypatch):
    monkeypatch.setattr(ReproduceOptions, "mnist", lambda self: made_up_mnist())
    monkeypatch.setattr(experiment1, "MODELS", 10)
    monkeypatch.setattr(experiment1, "EPOCHS", 3)
    monkeypatch.setattr(open_questions, "LOOKED_AT", 1)
    monkeypatch.setattr(open_questions, "BN_RUNS", 2)
    one_gaussian = partial(fit_gaussians, options=GaussianOptions(components=1))
    monkeypatch.setattr(hidden_layer, "fit_gaussians", one_gaussian)  # mixtures take seconds a network
    few_nulls = partial(match_clusters, options=ClusterOptions(repetitions=2))
    monkeypatch.setattr(open_questions, "match_clusters", few_nulls)  # and so do 784 columns in every null
    nowhere = DataOptions(root=str(tmp_path), offline=True)  # most of the survey's data sets are missing
    return ReproduceOptions(runs=2, epochs=1, data=nowhere, reports=tmp_path / "reports", trained=tmp_path / "runs")


@pytest.fixture
def small_survey(monkeypatch):
    """Two networks of one hidden layer, one of them saved along its training."""
    one, other = (Condition("digits", activation, 1) for activation in ("relu", "abs"))
    monkeypatch.setattr(survey, "conditions", lambda: [one, other])
    monkeypatch.setattr(survey, "ALONG", [one])
    monkeypatch.setattr(reading, "copies", lambda layers: 20)
    monkeypatch.setattr(survey, "planted_rarity", partial(planted_rarity, [900]))
    for room in (hypotheses, coherence):  # mixtures take seconds a network
        monkeypatch.setattr(room, "fit_gaussians", partial(fit_gaussians, options=GaussianOptions(components=1)))
    monkeypatch.setattr(tables, "ENOUGH", 0.0)  # an epoch teaches little


@pytest.mark.parametrize("paper", PAPERS)
def test_a_report_is_written(paper, options, small_survey):
    path = PAPERS[paper](options)
    text = path.read_text()
    assert path == options.reports / {"hypotheses": "as-nn/hypotheses"}.get(paper, paper) / "README.md"
    assert "no GPU" in text or "NVIDIA" in text
    for figure in path.parent.glob("*.png"):
        assert f"]({figure.name})" in text
    if paper in ("hypotheses", "reading"):  # nothing published to compare with
        return
    cells = pd.read_csv(path.parent / "cells.csv")
    assert list(cells.columns) == list(whole(read_cells(path.parent / "cells.csv")).columns)
    assert cells["cell"].is_unique


def test_without_networks_a_report_on_finished_ones_is_refused(options, tmp_path):
    finished = ReproduceOptions(runs=2, reports=tmp_path, trained=tmp_path / "none", train=False)
    with pytest.raises(UsageError, match=r"none/full-batch: found no finished network"):
        PAPERS["use-dm"](finished)


def test_snapshots_lie_beside_the_networks(options):
    from zoo.papers.trainings import full_batch

    recipe = full_batch("abs", epochs=1)
    first = options.networks(recipe, 1, made_up_mnist(), "x", along=True)
    assert [path.name for path in first] == ["abs-mnist-000.pt"]
    assert (first[0].parent / "along" / "abs-mnist-000-epoch00000.pt").exists()
