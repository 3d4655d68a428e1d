import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from interp.data import load_dataset
from zoo import checkpoints
from zoo.papers.options import ReproduceOptions
from zoo.papers.papers import PAPERS
from zoo.papers.report import decision_cell
from zoo.papers.report.judging import judge
from zoo.papers.use_dm.sweeps import accuracies, paired_tests, sweep
from zoo.recipes import Recipe, default_recipe
from zoo.training import TrainOptions, scaled, train

DIGITS = load_dataset("digits")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return train(
        default_recipe("abs", DIGITS).but(epochs=5), [0], DIGITS, TrainOptions(tmp_path_factory.mktemp("net"))
    )[0]


def by_hand(path, change):
    """Accuracy with z changed, from the published definitions."""
    content = checkpoints.load(path)
    network = checkpoints.module_of(content)
    recipe = Recipe("x", "abs", "digits", content["scaling"], (64,))
    x, y = scaled(DIGITS, recipe)["train"]
    with torch.no_grad():
        z = network.hidden(x)
        out = z.abs()
        low, high = out.amin(0), out.amax(0)
        return 100 * float((network.output(change(z, low, high).abs()).argmax(1) == y).double().mean())


@pytest.mark.parametrize(
    ("kind", "level", "change"),
    [
        ("scale", 0.1, lambda z, low, high: 0.1 * z),
        ("clip", 0.3, lambda z, low, high: torch.minimum(z, low + 0.3 * (high - low))),
        ("offset", 0.1, lambda z, low, high: (high - 0.1 * (high - low)) / high * z + 0.1 * (high - low)),
        ("scale", 1.0, lambda z, low, high: z),
    ],
)
def test_a_sweep_is_the_definition(checkpoint, kind, level, change):
    found = sweep(checkpoint, DIGITS, count=0)
    (accuracy,) = accuracies(found.assign(run=0), kind, level)
    assert accuracy == pytest.approx(by_hand(checkpoint, change), abs=1e-9)


def test_paired_tests_take_both_references():
    noise = np.random.default_rng(0).normal(size=(3, 6))
    levels = [("scale", 1.0, 90 + noise[0]), ("scale", 0.3275, 89 + noise[1]), ("scale", 0.1, 85 + noise[2])]
    rows = [(kind, level, value, run) for kind, level, values in levels for run, value in enumerate(values)]
    table = pd.DataFrame(rows, columns=["intervention", "level", "accuracy", "run"])
    found = paired_tests(table, "scale", 0.1)
    assert found["t (unperturbed)"] == pytest.approx(stats.ttest_rel(levels[0][2], levels[2][2]).statistic)
    assert found["t (element 50)"] == pytest.approx(stats.ttest_rel(levels[1][2], levels[2][2]).statistic)
    assert np.isnan(paired_tests(table, "scale", 1.0)["t (unperturbed)"])


@pytest.mark.parametrize(
    ("ours", "fits"), [((5.0, 0.001), True), ((1.0, 0.2), False), ((-5.0, 0.001), False), ((float("nan"),) * 2, None)]
)
def test_decisions_agree_in_sign_and_significance(ours, fits):
    numbers = (np.float64(ours[0]), np.float64(ours[1]))  # a numpy bool is not False, and would not be named
    cell = decision_cell("t / abs", (9.0, 1e-5), numbers, runs=5, their_runs=20)
    other = decision_cell("t / relu", (0.1, 0.9), (0.1, 0.9), runs=5, their_runs=20)
    assert judge(cell, other).reproduced is fits


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_is_a_function_of_the_options(paper):
    assert callable(PAPERS[paper])
    assert ReproduceOptions().training("x").out.name == "x"
