"""What the learn-DM report says of given numbers."""

import pandas as pd
import pytest

from interp.data import load_dataset
from zoo.papers.learn_dm.clamps import closeness, readings
from zoo.papers.learn_dm.learn_dm import closer
from zoo.papers.learn_dm.negation import comparison, sentence
from zoo.papers.learn_dm.node_activity import per_seed
from zoo.papers.learn_dm.short_distances import sentence as distances_sentence
from zoo.papers.report import Page
from zoo.recipes import default_recipe
from zoo.training import TrainOptions, train


@pytest.mark.parametrize(
    ("doubled", "negated", "said"),
    [
        ([40.0, 60.0], [95.0], "relu2 ends at 50.00 %, 45.00 points below: it fails"),
        ([40.0, 60.0], [95.0], "relu2-neg ends at 95.00 %, 0.00 points above: it keeps up"),
        ([94.0], [96.0], "relu2-neg ends at 96.00 %, 1.00 points above: it keeps up"),
        ([90.0], [95.0], "relu2 ends at 90.00 %, 5.00 points below: worse, not a failure"),
        ([], [], "**relu, with a final bias:** not all of these networks are finished"),
    ],
)
def test_failing_and_keeping_up_follow_the_accuracies(doubled, negated, said):
    found = {"relu": [94.0, 96.0], "relu2": doubled, "relu2-neg": negated}
    assert said in sentence(found, "relu", True)


def test_the_comparison_stands_beside_the_published_values(tmp_path):
    data = load_dataset("digits")
    paths = train(default_recipe("relu2", data).but(epochs=1), range(2), data, TrainOptions(tmp_path))
    found = comparison(
        {("relu2", True): paths, ("relu2", False): []}, {("relu2", True, "output"): [{"dead_pct": 10.0}]}
    )
    assert list(found["runs"]) == [2, 0]
    assert list(found["published"]) == [39.94, 47.2]
    assert found["dead output nodes, %"].iloc[0] == 10


def test_the_caption_with_two_readings_is_set_beside_both():
    table = pd.DataFrame({"ours": [95.3, 96.0], "5,000": [95.2, 95.4], "printed": [95.9, 96.1]}, index=["abs", "x"])
    assert closer(table) == "Ours are closer to the 5,000-epoch value for 1 of 2 variants, not for x."
    assert closer(table.head(1)) == "Ours are closer to the 5,000-epoch value for 1 of 1 variants."


def test_both_readings_of_a_clamp_stand_in_one_table():
    one = {"min, all": 37.0, "max, all": 29.0, "min, hidden": 18.0, "max, hidden": 8.0}
    table = readings({("abs", True): [one, {**one, "min, all": 39.0}], ("relu", True): []})
    assert list(table.index) == ["abs, bias"]
    assert list(table.loc["abs, bias"]) == [2, 35, 38, 18, 30, 29, 8]
    assert "is 3 points by `all` and 22 by `hidden`" in closeness(table)


def test_networks_of_one_seed_count_as_one_run():
    runs = [{"seed": 0, "x": 1.0}, {"seed": 1, "x": 5.0}, {"seed": 0, "x": 2.0}]
    assert per_seed(runs, "x") == [1.5, 5.0]
    assert per_seed([], "x") == []


def test_short_distances_are_set_beside_linear_outputs():
    names = ["abs-l2", "relu-l2", "abs-l2-neg", "relu-l2-neg", "abs", "relu"]
    table = pd.DataFrame({"test accuracy": [90.0, 80.0, 95.0, 85.0, 92.0, 84.0]}, index=names)
    assert "abs-l2 -2.00 points against abs" in distances_sentence(table)
    assert "relu-l2-neg +1.00 points against relu" in distances_sentence(table)
    assert "Not all" in distances_sentence(table.drop("relu-l2"))


def test_notes_written_by_hand_survive(tmp_path):
    (tmp_path / "notes.md").write_text("*How these runs came about.* By hand.\n")
    page = Page(tmp_path, "Title")
    page.add("Set-up.")
    assert "By hand.\n\nSet-up." in page.write().read_text()
    assert "By hand." in page.write().read_text()
    assert (tmp_path / "notes.md").read_text() == "*How these runs came about.* By hand.\n"
