"""From parameter names and shapes to a stack of layers in running order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, pairwise

import torch
from torch import Tensor

from interp.checkpoints.graphs.steps import Part
from interp.errors import CheckpointError

USE_MODEL = "pass your own class with --model package.module:callable"


@dataclass(frozen=True)
class Norm:
    """A batch-norm's stored numbers, each (N,)."""

    name: str
    mean: Tensor
    var: Tensor
    weight: Tensor | None
    bias: Tensor | None


@dataclass(frozen=True)
class Layer:
    """One dense layer or convolution and the batch-norm stored after it.

    Attributes
    ----------
    weight
        (N, D), or (N, C, h, w) of a convolution.
    padding, stride
        Of a convolution, where the file states them.
    """

    name: str
    weight: Tensor
    bias: Tensor | None
    norm: Norm | None = None
    padding: int | None = None
    stride: int | None = None

    @property
    def is_convolution(self) -> bool:
        """Whether its nodes read patches."""
        return self.weight.dim() == 4


def layer_stack(
    state: Mapping[str, Tensor], path: object, parts: Mapping[str, Part] | None = None
) -> tuple[list[Layer], str]:
    """Order the layers of a bare state dict so that their shapes chain: convolutions, then dense layers.

    Parameters
    ----------
    state
        Parameter name -> tensor.
    path
        Of the file, for errors.
    parts
        What a pickled module says of the settings of its layers.

    Returns
    -------
    layers
        First to last.
    evidence
        How the order was found.

    Raises
    ------
    CheckpointError
        If tensors are no such layers, or chain in no order.
    """
    _check_values(state, path)
    layers, norms, rest = _group(state)
    if rest or not layers:
        what = f"{rest[0]} of shape {tuple(state[rest[0]].shape)}" if rest else "no weight matrix"
        raise CheckpointError(
            path, found=what, expected="dense and convolution layers (weight and bias) only", do=USE_MODEL
        )
    if all(layer.is_convolution for layer in layers):
        raise CheckpointError(path, found="convolutions only", expected="a dense layer at the end", do=USE_MODEL)
    ordered, evidence = _order([_with_settings(layer, parts or {}) for layer in layers], path)
    return _attach_norms(ordered, norms, list(state), path), evidence


def _with_settings(layer: Layer, parts: Mapping[str, Part]) -> Layer:
    """Take over what a pickled module states of a convolution."""
    if not layer.is_convolution or layer.name not in parts:
        return layer
    stated = {name: parts[layer.name].settings.get(name) for name in ("padding", "stride")}
    same = {name: value[0] for name, value in stated.items() if isinstance(value, tuple) and len(set(value)) == 1}
    return replace(layer, **same)


def _check_values(state: Mapping[str, Tensor], path: object) -> None:
    """Refuse tensors without values, and codes of a packing that is not ours to guess."""
    for name, tensor in state.items():
        if tensor.numel() == 0:
            found, do = f"{name} of shape {tuple(tensor.shape)}", "save the model after it was built and trained"
        elif tensor.dim() > 1 and not tensor.is_floating_point():
            found, do = f"{name} of whole numbers ({tensor.dtype})", "save the weights as floats"
        else:
            continue
        raise CheckpointError(path, found=found, expected="tensors with real values", do=do)


# --------------------------------------------------------------------------- names -> layers


def _group(state: Mapping[str, Tensor]) -> tuple[list[Layer], list[Norm], list[str]]:
    """Sort tensors into layers and norms; what fits neither is returned by name."""
    left = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    norms = [_take_norm(left, name) for name in list(left) if name.endswith("running_mean")]
    layers = []
    for name in [name for name, tensor in left.items() if tensor.dim() in (2, 4)]:
        weight = left.pop(name)
        bias = _bias_name(name, weight, left)
        layers.append(Layer(_layer_name(name), weight.float(), left.pop(bias).float() if bias else None))
    return layers, norms, list(left)


def _take_norm(left: dict[str, Tensor], mean_name: str) -> Norm:
    parent = mean_name.removesuffix("running_mean")
    parts = {part: left.pop(parent + part, None) for part in ("running_mean", "running_var", "weight", "bias")}
    mean, var = parts["running_mean"], parts["running_var"]
    assert mean is not None
    return Norm(
        parent.rstrip("."),
        mean.float(),
        torch.ones_like(mean).float() if var is None else var.float(),
        None if parts["weight"] is None else parts["weight"].float(),
        None if parts["bias"] is None else parts["bias"].float(),
    )


def _bias_name(weight_name: str, weight: Tensor, left: Mapping[str, Tensor]) -> str | None:
    """Find the vector that belongs to a matrix: the same name but for the word, else a sibling, by size."""
    fits = [name for name, tensor in left.items() if tensor.dim() == 1 and len(tensor) == len(weight)]
    swapped = re.sub(r"weight(s?)$", lambda m: "bias" + ("es" if m[1] else ""), weight_name)
    short = [re.sub(r"(^|[._])[Ww]([._]?\d*)$", rf"\1{letter}\2", weight_name) for letter in "bB"]  # w1 -> b1
    parent = weight_name.rpartition(".")[0]
    siblings = [name for name in fits if parent and name.rpartition(".")[0] == parent]
    return next((name for name in (swapped, *short, *siblings) if name in fits), None)


def _layer_name(weight_name: str) -> str:
    parent, _, own = weight_name.rpartition(".")
    return parent or re.sub(r"[._]?weights?$", "", own) or "linear"


# --------------------------------------------------------------------------- order


def _order(layers: Sequence[Layer], path: object) -> tuple[list[Layer], str]:
    """Take the order of the file or of names: that of names, numbers by value, where the file sorted its keys."""
    in_file = sorted(layers, key=lambda layer: not layer.is_convolution)
    natural = sorted(layers, key=lambda layer: (not layer.is_convolution, _natural(layer.name)))
    names = [layer.name for layer in layers]
    candidates = [(in_file, "shapes chain in file order"), (natural, "shapes chain in name order")]
    for candidate, evidence in candidates[::-1] if names == sorted(names) else candidates:
        if _chains(candidate):
            return candidate, evidence
    found = _only_path(layers)
    if found is None:
        raise _no_chain(natural, path)
    return found, "the only order in which shapes chain"


def _chains(layers: Sequence[Layer]) -> bool:
    return all(_follows(first, second) for first, second in pairwise(layers))


def _follows(first: Layer, second: Layer) -> bool:
    """Whether `second` can read what `first` puts out, which between them may be flattened positions of channels."""
    if first.is_convolution and not second.is_convolution:
        return second.weight.shape[1] % len(first.weight) == 0
    return first.is_convolution == second.is_convolution and len(first.weight) == second.weight.shape[1]


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _only_path(layers: Sequence[Layer]) -> list[Layer] | None:
    """Find the one order that uses every layer; None if there are none or several.

    What can follow a layer is found once for every set of layers left: 12 of one width have 12! orders but 12 * 2^11
    such cases.
    """
    if len(layers) > 12:  # beyond, a chain by chance is likely
        return None

    @cache
    def orders(last: int | None, left: frozenset[int]) -> tuple[tuple[int, ...], ...]:
        """Give the first two orders in which the layers left can follow one."""
        fits = (i for i in sorted(left) if last is None or _follows(layers[last], layers[i]))
        found = ((i, *rest) for i in fits for rest in orders(i, left - {i}))
        return tuple(islice(found, 2)) if left else ((),)

    found = orders(None, frozenset(range(len(layers))))
    return [layers[i] for i in found[0]] if len(found) == 1 else None


def _no_chain(layers: Sequence[Layer], path: object) -> CheckpointError:
    first, second = next((a, b) for a, b in pairwise(layers) if not _follows(a, b))
    return CheckpointError(
        path,
        found=f"{len(first.weight)} outputs of {first.name} before {second.weight.shape[1]} inputs of {second.name}",
        expected="layers whose shapes chain",
        do=USE_MODEL,
    )


def _attach_norms(layers: list[Layer], norms: Sequence[Norm], names: list[str], path: object) -> list[Layer]:
    """Give each batch-norm to the layer of its width that stands before it in the file."""
    place = {
        layer.name: max((i for i, n in enumerate(names) if n.startswith(layer.name)), default=0) for layer in layers
    }
    for norm in norms:
        at = next(i for i, name in enumerate(names) if name.startswith(norm.name))
        fits = [la for la in layers if len(la.weight) == len(norm.mean) and la.norm is None]
        owner = min(fits, key=lambda layer: (place[layer.name] > at, abs(place[layer.name] - at)), default=None)
        if owner is None:
            raise CheckpointError(
                path,
                found=f"batch-norm {norm.name} of width {len(norm.mean)}",
                expected="a layer of that width",
                do=USE_MODEL,
            )
        layers[layers.index(owner)] = replace(owner, norm=norm)
    return layers
