"""What the report says of networks trained against PGD."""

import pandas as pd
import pytest

from interp.data import load_dataset
from zoo import checkpoints
from zoo.papers.use_dm.adversarial import pgd_recipe, robustness, sentence
from zoo.recipes import default_recipe
from zoo.training import TrainOptions, train


def test_the_attacked_training_differs_by_the_attack_alone():
    found = pgd_recipe("abs", 10)
    assert found.name == "abs-pgd"
    assert found.attack.radius * 0.3081 == pytest.approx(0.1)


def test_accuracy_is_measured_clean_and_attacked(tmp_path):
    data = load_dataset("digits")
    (path,) = train(default_recipe("relu", data).but(epochs=5), [0], data, TrainOptions(tmp_path))
    found = robustness(path, data)
    assert found["clean test accuracy"] == pytest.approx(100 * checkpoints.load(path)["metrics"]["test_accuracy"])
    assert found["attacked test accuracy"] < 0.5 * found["clean test accuracy"]  # a radius of a third of the range


@pytest.mark.parametrize(("ratios", "said"), [([20.0, 30.0], "do not overlap"), ([11.0, 20.0], "the runs overlap")])
def test_the_sentence_compares_runs(ratios, said):
    rows = [("relu", 98.0, 20.0, 10.0), ("relu", 98.0, 22.0, 12.0), *(("relu-pgd", 97.0, 90.0, x) for x in ratios)]
    columns = ["network", "clean test accuracy", "attacked test accuracy", "ratio, accuracy"]
    text = sentence(pd.DataFrame(rows, columns=columns), "relu")
    assert "from 98.00 % to 97.00 % on clean images and from 21.00 % to 90.00 % under attack" in text
    assert text.endswith(f"{said}.")
