"""Every sort of number on the page of a comparison, computed anew: self-trained networks in two folders."""

import numpy as np
import pytest
import quick
import torch
from sklearn.datasets import load_digits
from torch import nn

import interp

from .by_hand import assert_equal_to

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
DATA = {"x_train": X[:400], "y_train": Y[:400], "x_test": X[400:700], "y_test": Y[400:700]}


def trained(seed, steps):
    torch.manual_seed(seed)
    first, second = nn.Linear(64, 10), nn.Linear(10, 10)
    optimiser = torch.optim.Adam([*first.parameters(), *second.parameters()], 0.02)
    x, y = torch.from_numpy(DATA["x_train"]), torch.from_numpy(DATA["y_train"])
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(-second(first(x).abs()).abs(), y).backward()
        optimiser.step()
    return nn.Sequential(first, nn.Identity(), second).state_dict()


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Give two folders of two networks each, with their weights."""
    root, found = tmp_path_factory.mktemp("networks"), []
    for folder, steps in (("long", 60), ("short", 25)):
        (root / folder).mkdir()
        for seed in (0, 1):
            state = trained(seed, steps)
            torch.save(state, root / folder / f"{seed}.pt")
            found.append((folder, [value.double().numpy() for value in state.values()], np.abs))
    return root, found


def test_a_whole_comparison_is_computed_anew(networks):
    root, states = networks
    with quick.few_draws():
        found = interp.compare(
            root / "long", root / "short", data=DATA, brief=True, scaling="raw", activation="abs",
            output="negated-activation",
        )  # fmt: skip
    assert found.groups["group"].tolist() == ["long", "short"]
    assert_equal_to(found, states, DATA["x_test"].astype(float), DATA["y_test"])
    wrong = [(folder, [weights + 0.1 for weights in state], act) for folder, state, act in states]
    with pytest.raises(AssertionError):
        assert_equal_to(found, wrong, DATA["x_test"].astype(float), DATA["y_test"])
