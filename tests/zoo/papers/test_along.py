import numpy as np
import pandas as pd
import pytest
import torch

from interp.data import load_dataset
from zoo import checkpoints
from zoo.papers.use_dm.along import curves, sentence, summary
from zoo.papers.use_dm.tolerated import LEVELS, tolerated
from zoo.recipes import default_recipe
from zoo.training import TrainOptions, scaled, train

DIGITS = load_dataset("digits")


def trained(tmp_path, epochs):
    recipe = default_recipe("abs", DIGITS).but(epochs=epochs)
    (path,) = train(recipe, [0], DIGITS, TrainOptions(tmp_path))
    return recipe, path, checkpoints.load(path)


def test_tolerances_are_those_of_a_plain_loop(tmp_path):
    recipe, path, content = trained(tmp_path, 5)
    network = checkpoints.module_of(content)
    x, y = scaled(DIGITS, recipe)["train"]
    with torch.no_grad():
        z = network.hidden(x)
        top, low = z.abs().amax(0), z.abs().amin(0)
        usual = network(x).argmax(1)

        def changed(p):
            moved = (top - p * (top - low)) / top * z + p * (top - low)
            return float((network.output(moved.abs()).argmax(1) != usual).double().mean())

        cost = np.array([changed(p) for p in LEVELS["offset"]])
    centre = len(cost) // 2
    up = next(i for i in range(centre, len(cost)) if cost[i] >= 0.01) - 1
    down = next(i for i in range(centre, 0, -1) if cost[i] >= 0.01) + 1
    found = tolerated(path, DIGITS)
    expected = 50 * (LEVELS["offset"][up] - LEVELS["offset"][down])
    assert found["shift, agreement"] == pytest.approx(expected)
    assert found["ratio, agreement"] == pytest.approx(found["weakening, agreement"] / expected)
    assert found["accuracy"] == pytest.approx(100 * float((usual == y).double().mean()))


def test_a_network_without_biases_bears_every_scaling(tmp_path):
    _, path, content = trained(tmp_path, 5)
    state = content["state_dict"]
    state["hidden.bias"].zero_()
    state["output.bias"].zero_()
    torch.save(content, path)
    found = tolerated(path, DIGITS)
    assert found["weakening, agreement"] == found["weakening, accuracy"] == pytest.approx(99.5)


def test_an_untrained_network_has_agreement_and_no_accuracy_to_lose(tmp_path):
    _, path, content = trained(tmp_path, 1)
    torch.manual_seed(0)
    for value in content["state_dict"].values():
        value.normal_()
    torch.save(content, path)
    found = tolerated(path, DIGITS)
    assert found["accuracy"] < 50
    assert np.isnan(found["ratio, accuracy"])
    assert found["ratio, agreement"] > 0


def snapshots(accuracy, agreement):
    """Two runs at epochs 0, 10, 100, ...; the second bears twice as much."""
    return pd.DataFrame(
        {
            "network": "abs",
            "epoch": epoch,
            "run": run,
            "accuracy": 90.0,
            **{f"{what}, {yard}": 1.0 for what in ("weakening", "shift") for yard in ("accuracy", "agreement")},
            "ratio, accuracy": run * first,
            "ratio, agreement": run * second,
        }
        for epoch, first, second in zip((0, 10, 100), accuracy, agreement, strict=True)
        for run in (1, 2)
    )


NEVER = float("nan")


@pytest.mark.parametrize(
    ("accuracy", "agreement", "said"),
    [
        ((NEVER, 3.0, 4.0), (9.0, 5.0, 2.0), "at 10 epochs, the first snapshot with any accuracy to lose"),
        ((NEVER, 0.9, 4.0), (9.0, 5.0, 2.0), "at 100 epochs, and ever after"),
        ((NEVER, 3.0, 0.9), (9.0, 5.0, 2.0), "By accuracy, scaling is not borne better than shifting in every run"),
        (
            (NEVER, 3.0, 4.0),
            (9.0, 5.0, 2.0),
            "from the start, before any training",
        ),
        ((NEVER, 3.0, 4.0), (NEVER, 5.0, 2.0), "at 10 epochs, the first snapshot."),
        ((NEVER, 3.0, 4.0), (9.0, 5.0, 2.0), "goes from 13.5 to 3: training makes the preference weaker"),
        ((NEVER, 3.0, 4.0), (2.0, 5.0, 9.0), "training makes the preference stronger"),
        ((NEVER, 3.0, 4.0), (2.0, 5.0, 3.0), "training makes the preference neither weaker nor stronger"),
    ],
)
def test_the_sentence_follows_the_numbers(accuracy, agreement, said):
    assert said in sentence(snapshots(accuracy, agreement), "abs")


def test_tables_and_curves_show_means_and_ranges():
    found = snapshots((NEVER, 3.0, 4.0), (9.0, 5.0, 2.0))
    table = summary(found)
    assert table.loc["abs, 10", "ratio, accuracy"] == "4.5 (3 to 6)"
    assert table.loc["abs, 0", "ratio, accuracy"] == "-"
    assert len(curves(found).axes) == 2
