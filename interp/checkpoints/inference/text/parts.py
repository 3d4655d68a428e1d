"""Tensors of a bare state dict -> embedding, convolutions side by side, and the dense layers behind the pooling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from interp.checkpoints.inference.recurrent.fronts import norms_of, without
from interp.checkpoints.inference.recurrent.parts import is_table_name
from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer, Norm
from interp.checkpoints.inference.stack.order import natural
from interp.checkpoints.inference.stack.state import layer_stack
from interp.errors import CheckpointError
from interp.types import Confidence

FIRST = re.compile(r"^(?:.*\.)?0\.weight$")
"""Name of the first part of an `nn.Sequential`, which may be a table without a name that says so."""


@dataclass(frozen=True)
class TextParts:
    """What a state dict of a text classifier holds.

    Attributes
    ----------
    embedding
        Name and weights (V, E) of the table of tokens.
    branches
        Convolutions that each read the embedded tokens, in the order of the file, with the batch norms behind them;
        weights (F, E, k), or (F, 1, k, E) as over an image of one channel. Empty where tokens are pooled as they are.
    behind
        Norm of what is pooled; None where there is none.
    dense
        Dense layers behind the pooling, in running order; empty where it gives the outputs.
    confidence
        Confidence in the order of the dense layers.
    notes
        Sentences on how the parts were found.
    """

    embedding: tuple[str, Tensor]
    branches: Sequence[Layer]
    behind: Norm | None
    dense: Sequence[Layer]
    confidence: Confidence
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of values that pooling gives: of an embedded token, or of all filters."""
        return sum(len(one.weight) for one in self.branches) or self.embedding[1].shape[1]


def kernel_of(branch: Layer) -> int:
    """Give the number of tokens that a filter reads."""
    return branch.weight.shape[2]


def is_text_state(state: Mapping[str, Tensor]) -> bool:
    """Tell whether tensors are a table of tokens and layers that read its rows, and no stack of layers as they are.

    Examples
    --------
    >>> import torch
    >>> dense = {"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}
    >>> is_text_state({"embedding.weight": torch.zeros(50, 4), **dense}), is_text_state(dense)
    (True, False)
    """
    if _table(state) is None:
        return False
    try:
        layer_stack(state, "")
    except CheckpointError:
        return True
    return False


def text_parts(state: Mapping[str, Tensor], path: object) -> TextParts:
    """Sort the tensors of a text classifier into its parts.

    Parameters
    ----------
    state
        Weights by parameter name, of which `is_text_state` is true.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If tensors are no convolutions that read the embedding side by side, and no dense layers.
    """
    name = _table(state)
    assert name is not None
    table = state[name].float()
    rest = {key: tensor for key, tensor in state.items() if key != name}
    branches = _branches(rest, table.shape[1], name, path)
    early, behind = _norms(without(rest, branches), len(branches), path)
    if [one.width for one in early] == [len(one.weight) for one in branches]:
        branches = [replace(of, norm=one) for one, of in zip(early, branches, strict=True)]
    norms = [one for one in (behind, *(of.norm for of in branches)) if one is not None]
    left = without(rest, [*branches, *norms])
    if not any(tensor.dim() == 2 for tensor in left.values()):
        if left:
            raise _refused(path, f"{next(iter(left))} beside {name}")
        notes = ("no dense layer: what is pooled gives the outputs",)
        return TextParts((name, table), branches, behind, (), "likely", notes)
    stack = layer_stack(left, path)
    return TextParts((name, table), branches, behind, stack.layers, stack.confidence, stack.notes)


def _refused(path: object, found: str) -> CheckpointError:
    expected = "an embedding, convolutions that read it side by side or none, and dense layers"
    return CheckpointError(path, found=found, expected=expected, do=USE_MODEL)


# --------------------------------------------------------------------------- parts


def _table(state: Mapping[str, Tensor]) -> str | None:
    """Find the table of tokens: without a bias, of a width that another layer reads, and named as one or the first."""
    for name, tensor in state.items():
        has_bias = f"{name.removesuffix('weight')}bias" in state
        if tensor.dim() != 2 or not tensor.is_floating_point() or tensor.numel() == 0 or has_bias:
            continue
        others = {key: one for key, one in state.items() if key != name and one.dim() > 1}
        named = is_table_name(name) or (FIRST.match(name) and _have_biases(others, state))
        if named and any(_reads(one, tensor.shape[1]) for one in others.values()):
            return name
    return None


def _have_biases(weights: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> bool:
    return all(f"{name.removesuffix('weight')}bias" in state for name in weights)


def _reads(weight: Tensor, width: int) -> bool:
    """Whether weights read rows of a width: several of them side by side if they are a dense layer's."""
    if weight.dim() == 2:
        return weight.shape[1] > 0 and weight.shape[1] % width == 0
    return _is_branch(weight, width)


def _is_branch(weight: Tensor, width: int) -> bool:
    over_time = weight.dim() == 3 and weight.shape[1] == width
    over_image = weight.dim() == 4 and (weight.shape[1], weight.shape[3]) == (1, width)
    return (over_time or over_image) and weight.numel() > 0


def _branches(rest: Mapping[str, Tensor], width: int, table: str, path: object) -> list[Layer]:
    """Take the convolutions, in the order of the file or, where that has sorted its names, of the numbers in these."""
    found = []
    for name, tensor in rest.items():
        if tensor.dim() < 3:
            continue
        if not _is_branch(tensor, width):
            raise _refused(path, f"{name} of shape {tuple(tensor.shape)}, which does not read the {width} of {table}")
        bias = rest.get(f"{name.removesuffix('weight')}bias")
        if bias is not None and bias.shape != (len(tensor),):
            raise _refused(path, f"a bias of shape {tuple(bias.shape)} beside {name} of shape {tuple(tensor.shape)}")
        found.append(Layer(name.removesuffix(".weight"), tensor.float(), None if bias is None else bias.float()))
    names = [one.name for one in found]
    return sorted(found, key=lambda one: natural(one.name)) if names == sorted(names) else found


def _is_whole(norm: Norm) -> bool:
    """Whether the numbers of a norm are as many each."""
    shapes = {one.shape for one in (norm.mean, norm.var, norm.weight, norm.bias) if one is not None}
    return len(shapes) == 1 and len(shapes.pop()) == 1


def _norms(rest: Mapping[str, Tensor], branches: int, path: object) -> tuple[list[Norm], Norm | None]:
    """Find the batch norms behind convolutions, and the norm of what is pooled, all before the first dense layer."""
    order = list(rest)
    dense = next((at for at, name in enumerate(order) if rest[name].dim() == 2), len(order))
    early = [one for one in norms_of(rest) if any(name.startswith(f"{one.name}.") for name in order[:dense])]
    if odd := next((one.name for one in early if not _is_whole(one)), None):
        raise _refused(path, f"a norm whose numbers do not go together ({odd})")
    reads = rest[order[dense]].shape[1] if dense < len(order) else None
    behind = early[-1] if len(early) in (1, 1 + branches) and early[-1].width == reads else None
    own = [one for one in early if one is not behind and one.mean is not None]
    return own, behind
