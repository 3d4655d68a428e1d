"""The share of coherent nodes along training, beside a shuffled copy of each network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from interp.analysis import classify_boundaries, fit_gaussians
from interp.types import Array
from interp.verdict.reading.networks.copies import shuffled_copies
from zoo import checkpoints
from zoo.finished import add_finished, read_finished
from zoo.planted.planted import hidden_names


def coherence_of_all(wanted: Mapping[Path, tuple[Tensor, Tensor]], file: Path) -> list[dict[str, Any]]:
    """Measure the coherence of what of some networks is not in the file yet; give the rows of all.

    Parameters
    ----------
    wanted
        Checkpoint -> scaled training inputs and labels.
    file
        Lines of JSON, one a network; made or continued.
    """
    known = {one["network"]: one["rows"] for one in read_finished(file)}
    for path in wanted:
        if path.name not in known:
            known[path.name] = list(coherence_rows(path, *wanted[path]))
            add_finished(file, {"network": path.name, "rows": known[path.name]})
    return [row for path in wanted for row in known[path.name]]


def coherence_rows(path: Path, inputs: Tensor, labels: Tensor) -> Iterator[dict[str, Any]]:
    """Measure the coherence of every hidden layer of a network, and of one copy with shuffled weights.

    Parameters
    ----------
    path
        Checkpoint of a perceptron of the zoo.
    inputs, labels
        Scaled training inputs (S, D) and labels (S,).
    """
    content = checkpoints.load(path)
    network = checkpoints.module_of(content).requires_grad_(False)
    facts = {"activation": content["activation"], "seed": content["seed"], "epoch": content["epoch"]}
    copies = {"network": network, "shuffled": next(shuffled_copies(network, [content["seed"]]))}
    for state, one in copies.items():
        for number, name in enumerate(hidden_names(one), 1):
            z, bias = pre_activations(one, name, inputs)
            yield facts | {"state": state, "layer": number} | coherence_row(z, labels.numpy(), bias)


@torch.no_grad()
def pre_activations(network: nn.Sequential, layer: str, inputs: Tensor) -> tuple[Array, Array]:
    """Give a hidden layer's pre-activations (S, N) and its biases (N,)."""
    names = [name for name, _ in network.named_children()]
    linear = network.get_submodule(layer)
    assert isinstance(linear, nn.Linear), "perceptrons"
    return network[: names.index(layer) + 1](inputs).numpy(), linear.bias.numpy()


def coherence_row(z: Array, labels: Array, bias: Array) -> dict[str, float]:
    """Give the share of coherent nodes, what of it is above chance, and its largest p-value over the nulls.

    Parameters
    ----------
    z
        Pre-activations, (S, N).
    labels
        Labels, (S,).
    bias
        Biases of the nodes, (N,).
    """
    found = classify_boundaries(fit_gaussians(z, labels), bias=bias)
    at = found.at_threshold
    share = float(found.share[at])
    return {
        "coherent": share,
        "excess": share - float(found.null_share["random point"][at]),
        "coherent_p": float(found.share_p_value[at]),
    }
