"""A network and what people make of it, from files to the page: what was done is what the page says."""

import copy
import html
import re
import warnings

import numpy as np
import pytest
import quick
import torch
from sklearn.datasets import load_digits
from torch import nn

from interp.cli.main import main

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
DATA = {"x_train": X[:400], "y_train": Y[:400], "x_test": X[400:600], "y_test": Y[400:600]}


def train(network, steps, rate=0.02):
    optimiser = torch.optim.Adam(network.parameters(), rate)
    x, y = torch.from_numpy(DATA["x_train"]), torch.from_numpy(DATA["y_train"])
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    return network


def trained(seed):
    torch.manual_seed(seed)
    return train(nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10)), 60)


@torch.no_grad()
def pruned(network):
    small = copy.deepcopy(network)
    small[0].weight[small[0].weight.abs() < small[0].weight.abs().quantile(0.6)] = 0
    return small


@torch.no_grad()
def quantised(network):
    """Round the weights to int8 and back, one scale a tensor."""
    small = copy.deepcopy(network)
    for layer in (small[0], small[2]):
        scale = float(layer.weight.abs().max() / 127)
        layer.weight.copy_((layer.weight / scale).round() * scale)
    return small


def dynamic(network):
    """Quantise the linear maps with torch.ao, to whole numbers of eight bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of torch.ao.quantization
        return torch.ao.quantization.quantize_dynamic(copy.deepcopy(network).eval(), {nn.Linear})


def tuned(network):
    return train(copy.deepcopy(network), 5, rate=0.001)


SAID = {
    "pruned": "pruned: 0; nothing: 2",
    "quantised": "rounded: 0, 2",
    "dynamic": "rounded: 0, 2",
    "tuned": "trained on: 0, 2",
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Give the text of the page on a network, four copies of it, and a second seed."""
    folder, first = tmp_path_factory.mktemp("copies"), trained(0)
    made = {"first": first, "seed": trained(1)} | {
        make.__name__: make(first) for make in (pruned, quantised, dynamic, tuned)
    }
    for name, network in made.items():
        torch.save(network.state_dict(), folder / f"{name}.pt")
    np.savez(folder / "data.npz", **DATA)
    said = ["--scaling", "raw", "--activation", "relu", "--output", "linear", "--brief", "--out", str(folder / "out")]
    files = [str(folder / f"{name}.pt") for name in ("first", *SAID, "seed")]
    with quick.few_draws(), quick.blank_figures():
        assert main(["compare", *files, "--data", str(folder / "data.npz"), *said]) == 0
    return html.unescape(re.sub(r"<[^>]*>", " ", (folder / "out" / "compare.html").read_text()))


@pytest.mark.parametrize("copied", SAID)
def test_what_was_done_to_a_copy_stands_on_the_page(page, copied):
    (line,) = re.findall(rf"{copied}: \d+ of 22 nodes have other weights\. [^.]*\.", page)
    assert line.endswith(f"{SAID[copied]}.")


def test_another_seed_is_no_copy(page):
    assert "seed" in page
    assert not re.search(r"seed: \d+ of", page)
