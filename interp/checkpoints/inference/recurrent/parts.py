"""Tensors of a bare state dict -> embedding, recurrent layers in running order, and the dense layers after them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from interp.checkpoints.inference.recurrent.fronts import convolutions, norms_of, with_norms, without
from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer, Norm
from interp.checkpoints.inference.stack.state import layer_stack
from interp.errors import CheckpointError
from interp.types import Confidence

NAME = re.compile(r"^(?:(?P<at>.+)\.)?(?P<part>(?:weight|bias)_(?:ih|hh|hr))(?P<place>_l\d+(?:_reverse)?)?$")
"""Names that torch's recurrent layers and cells give to their tensors."""

KINDS = {1: "RNN", 3: "GRU", 4: "LSTM"}
"""Number of gates -> kind of the recurrent layer."""


@dataclass(frozen=True)
class Parts:
    """What a state dict of a recurrent network holds.

    Attributes
    ----------
    embedding
        Name and weights (V, E) of the table of tokens; None where inputs are numbers.
    recurrent
        Name of a recurrent layer -> its tensors under torch's names; in running order.
    front
        Convolutions over time before these, in running order, with the batch norms behind them.
    before, behind
        Norms of what the first recurrent layer and the first dense layer read; None where there is none.
    dense
        Dense layers after these, in running order; empty where the last recurrent layer gives the outputs.
    confidence
        Confidence in the order of the dense layers.
    notes
        Sentences on how the parts were found.
    """

    embedding: tuple[str, Tensor] | None
    recurrent: Mapping[str, Mapping[str, Tensor]]
    front: Sequence[Layer]
    before: Norm | None
    behind: Norm | None
    dense: Sequence[Layer]
    confidence: Confidence
    notes: tuple[str, ...]


def is_recurrent_state(state: Mapping[str, Tensor]) -> bool:
    """Tell whether names of tensors are those of a recurrent layer or cell.

    Examples
    --------
    >>> import torch
    >>> tensor = torch.zeros(8, 2)
    >>> is_recurrent_state({"lstm.weight_hh_l0": tensor}), is_recurrent_state({"fc.weight": tensor})
    (True, False)
    """
    return any(NAME.match(name) for name in state)


def recurrent_parts(state: Mapping[str, Tensor], path: object) -> Parts:
    """Sort the tensors of a recurrent network into its parts.

    Parameters
    ----------
    state
        Weights by parameter name.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If the recurrent layers do not follow each other, or other tensors are no embedding and no dense layers.
    """
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if found := NAME.match(name):
            place = found["place"] or "_l0"  # of a cell, which the network's own code runs in a loop
            groups.setdefault(found["at"] or "recurrent", {})[found["part"] + place] = tensor.float()
    rest = {name: tensor for name, tensor in state.items() if not NAME.match(name)}
    _check_order(groups, path)
    width = next(iter(groups.values()))["weight_ih_l0"].shape[1]
    front = convolutions(rest, width)
    embedding = _embedding(rest, front[0].weight.shape[1] if front else width)
    rest = {name: tensor for name, tensor in rest.items() if embedding is None or name != embedding[0]}
    early, behind = _norms_around(state, rest, front)
    front = with_norms(front, early)
    before = next((norm for norm in early if all(norm is not one.norm for one in front) and norm.width == width), None)
    dense = without(rest, [*front, *(one.norm for one in front if one.norm), *filter(None, (before, behind))])
    _refuse_convolutions(dense, groups, path)
    if not dense:
        notes = ("no dense layer: the last recurrent layer gives the outputs",)
        return Parts(embedding, groups, front, before, behind, (), "likely", notes)
    stack = layer_stack(dense, path)
    return Parts(embedding, groups, front, before, behind, stack.layers, stack.confidence, stack.notes)


def _norms_around(
    state: Mapping[str, Tensor], rest: Mapping[str, Tensor], front: Sequence[Layer]
) -> tuple[list[Norm], Norm | None]:
    """Find the norms before the recurrent layers, and one between these and the first dense layer.

    They stand as files have them; one behind the dense layers there is between if none of these gives its width.
    """
    order = [name for name in state if not name.endswith("num_batches_tracked")]
    recurrent = [at for at, name in enumerate(order) if NAME.match(name)]
    dense = [at for at, name in enumerate(order) if at > max(recurrent) and name in rest and rest[name].dim() == 2]
    found = [
        (order.index(f"{norm.name}.{'weight' if norm.mean is None else 'running_mean'}"), norm)
        for norm in norms_of(without(rest, front))
    ]
    early = [norm for at, norm in found if at < min(recurrent)]
    first = rest[order[dense[0]]].shape[1] if dense else None
    given = {len(rest[order[at]]) for at in dense}
    late = [
        norm
        for at, norm in found
        if dense and at > max(recurrent) and norm.width == first and (at < dense[0] or norm.width not in given)
    ]
    return early, late[0] if late else None


def _refuse_convolutions(rest: Mapping[str, Tensor], groups: Mapping[str, Mapping[str, Tensor]], path: object) -> None:
    """Say of weights with kernels that they are convolutions, whose place beside recurrent layers is code."""
    name = next((name for name, tensor in rest.items() if tensor.dim() in (3, 4, 5)), None)
    if name is None:
        return
    beside, tensors = next(iter(groups.items()))
    kind = KINDS.get(_gates(tensors), "recurrent layer")
    raise CheckpointError(
        path,
        found=f"{name} of shape {tuple(rest[name].shape)}, a convolution, beside {beside}, of kind {kind}",
        expected="an embedding, convolutions over time that follow each other, recurrent and dense layers",
        do=USE_MODEL,
    )


def _check_order(groups: Mapping[str, Mapping[str, Tensor]], path: object) -> None:
    names = list(groups)
    for name in names:
        if not _is_whole(groups[name]):
            raise CheckpointError(
                path,
                found=f"{name} with {', '.join(sorted(groups[name]))}",
                expected="an RNN, LSTM or GRU",
                do=USE_MODEL,
            )
    for first, second in pairwise(names):
        gives, reads = width_of(groups[first]), groups[second]["weight_ih_l0"].shape[1]
        if gives != reads:
            raise CheckpointError(
                path,
                found=f"{gives} outputs of {first} before {reads} inputs of {second}",
                expected="recurrent layers that follow each other",
                do=USE_MODEL,
            )


def _is_whole(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are all tensors of one recurrent layer of torch's, with the shapes that go together."""
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    needed = [shapes.get(f"weight_{part}_l0", ()) for part in ("ih", "hh")]
    if any(len(shape) != 2 or 0 in shape for shape in needed) or _gates(tensors) not in KINDS:
        return False
    try:
        with torch.device("meta"):
            return shapes == {name: part.shape for name, part in _untrained(tensors).named_parameters()}
    except (IndexError, RuntimeError, ValueError):  # of sizes that no layer has
        return False


def _embedding(rest: Mapping[str, Tensor], width: int) -> tuple[str, Tensor] | None:
    """Find the table whose rows the first recurrent layer reads: named so, without a bias."""
    for name, tensor in rest.items():
        fits = tensor.dim() == 2 and tensor.shape[1] == width and tensor.is_floating_point()
        if fits and is_table_name(name):
            return name, tensor.float()
    return None


def is_table_name(name: str) -> bool:
    """Tell whether a tensor is named as a table of tokens is.

    Examples
    --------
    >>> is_table_name("word_embeddings.weight"), is_table_name("fc.weight")
    (True, False)
    """
    return bool(re.search(r"emb|wte|token|vocab|lookup", name, re.IGNORECASE))


# --------------------------------------------------------------------------- modules


def _gates(tensors: Mapping[str, Tensor]) -> int:
    weight = tensors["weight_hh_l0"]
    hidden = tensors["weight_hr_l0"].shape[1] if "weight_hr_l0" in tensors else weight.shape[1]
    return len(weight) // hidden if len(weight) % hidden == 0 else 0


def kind_of(tensors: Mapping[str, Tensor]) -> str:
    """Name the kind of a recurrent layer by its number of gates: ``RNN``, ``GRU`` or ``LSTM``."""
    return KINDS[_gates(tensors)]


def is_two_way(tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether a recurrent layer reads its sequences in both directions."""
    return any(name.endswith("_reverse") for name in tensors)


def width_of(tensors: Mapping[str, Tensor]) -> int:
    """Give the number of values that a recurrent layer gives at each time step, both directions together."""
    return tensors["weight_hh_l0"].shape[1] * (1 + is_two_way(tensors))


def fused_layer(tensors: Mapping[str, Tensor], nonlinearity: str) -> nn.RNNBase:
    """Build torch's own recurrent layer with these weights.

    Parameters
    ----------
    tensors
        Weights under torch's names.
    nonlinearity
        Function of a plain RNN, ``tanh`` or ``relu``; others have none to choose.
    """
    layer = _untrained(tensors, nonlinearity)
    layer.load_state_dict(dict(tensors))
    return layer


def _untrained(tensors: Mapping[str, Tensor], nonlinearity: str = "tanh") -> nn.RNNBase:
    """Build the layer that the first tensors are of."""
    kind, weight = kind_of(tensors), tensors["weight_ih_l0"]
    depth = sum(bool(re.fullmatch(r"weight_ih_l\d+", name)) for name in tensors)
    hidden = len(weight) // _gates(tensors)
    said: dict[str, Any] = {"nonlinearity": nonlinearity} if kind == "RNN" else {}
    if "weight_hr_l0" in tensors:
        said["proj_size"] = len(tensors["weight_hr_l0"])
    made: Any = getattr(nn, kind)
    layer: nn.RNNBase = made(
        weight.shape[1], hidden, num_layers=depth, bias="bias_ih_l0" in tensors, batch_first=True,
        bidirectional=is_two_way(tensors), **said,
    )  # fmt: skip
    return layer.eval().requires_grad_(False)
