"""From parameter names and shapes to a stack of layers in running order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from interp.checkpoints.graph.steps import Part
from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer, Norm
from interp.checkpoints.inference.stack.norms import attach_norms
from interp.checkpoints.inference.stack.order import order_layers
from interp.checkpoints.inference.stack.own_norms import is_own_norm
from interp.checkpoints.inference.stack.slopes import attach_slopes, is_slope
from interp.errors import CheckpointError
from interp.types import Confidence

MEAN = "running_mean"
RECURRENT = re.compile(r"(^|\.)weight_(ih|hh)(_l\d+\w*)?$")
"""Names that torch's recurrent layers give to their matrices, which chain as those of dense layers do."""

ADAPTER = re.compile(r"(^|[._])lora_(A|B|down|up)([._]|$)", re.IGNORECASE)
"""Names of the pairs of matrices that change the weights of another network (LoRA), whose shapes chain as well."""
KERNELS = {3: "one axis", 5: "three axes"}
"""Number of axes of weights -> axes that their kernel moves along."""

TABLE = re.compile(r"(^|[._])(embeddings?|embed|emb|wte|word_vectors)(\.weight)?$", re.IGNORECASE)
"""Names of a table of vectors, of which one is looked up; it computes nothing."""


class Stack(NamedTuple):
    """Layers in running order, how sure that order and the places of norms are, and how they were found."""

    layers: list[Layer]
    confidence: Confidence
    notes: tuple[str, ...]


def layer_stack(state: Mapping[str, Tensor], path: object, parts: Mapping[str, Part] | None = None) -> Stack:
    """Order the layers of a bare state dict so that their shapes chain: convolutions, then any dense layers.

    Parameters
    ----------
    state
        Weights by parameter name.
    path
        Name of the file, for error messages.
    parts
        Class and settings of each submodule, as a pickled module states them; None for bare weights.

    Raises
    ------
    CheckpointError
        If tensors are no such layers, or chain in no order.
    """
    _check_values(state, path)
    layers, norms, unknown = _group(state)
    norms, unknown = _with_own_norms(norms, unknown, state, layers)
    slopes = {name: state[name] for name in unknown if is_slope(name, state[name], state)}
    rest = [name for name in unknown if name not in slopes]
    if rest or not layers:
        raise _left_over(rest, state, layers, path)
    _check_tables(layers, path)
    ordered, evidence = order_layers([_with_settings(layer, parts or {}) for layer in layers], path)
    normed = attach_norms(ordered, norms, _file_order(state, norms), path)
    sloped = attach_slopes(normed.layers, slopes, list(state) == sorted(state)) if slopes else normed.layers
    if sloped is None:
        name = next(iter(slopes))
        raise CheckpointError(
            path,
            found=f"{name} of shape {tuple(slopes[name].shape)}, as of a PReLU",
            expected="one behind every hidden layer, or one for all",
            do=USE_MODEL,
        )
    return Stack(sloped, normed.confidence, (evidence, *normed.notes))


def _left_over(
    rest: Sequence[str], state: Mapping[str, Tensor], layers: Sequence[Layer], path: object
) -> CheckpointError:
    """Say what the first tensor is that belongs to no layer."""
    found, expected = "no weight matrix", "dense and convolution layers (weight and bias) only"
    if rest:
        name, shape = rest[0], tuple(state[rest[0]].shape)
        parent = name.removesuffix(".weight")
        found = f"{name} of shape {shape}{_told(name, state)}"
        if is_own_norm(name, state) and any(layer.channels == shape[0] for layer in layers):
            norm = Norm(parent, None, None, state[name], state.get(f"{parent}.bias"))
            found, expected = f"{norm.kind} {parent} of width {norm.width}", "norms behind a layer of their width"
            expected += ", not on what the first one reads"
    return CheckpointError(path, found=found, expected=expected, do=USE_MODEL)


def _told(name: str, state: Mapping[str, Tensor]) -> str:
    """Say of which layer a tensor may be that is none of ours; empty where its shape does not tell."""
    weight = state.get(f"{name.removesuffix('bias')}weight")
    if state[name].dim() in KERNELS:
        return f", as of a convolution over {KERNELS[state[name].dim()]}"
    is_bias = name.endswith("bias") and weight is not None and weight.dim() == 4
    if is_bias and weight is not None and len(weight) != weight.shape[1] and state[name].shape == weight.shape[1:2]:
        return ", the bias of a transposed convolution"
    return ""


def _check_tables(layers: Sequence[Layer], path: object) -> None:
    """Refuse a table of vectors whose rows, and not whose numbers of rows, are what another layer reads."""
    read = {layer.channels for layer in layers if not TABLE.search(layer.name)}
    for layer in layers:
        rows, width = layer.weight.shape[0], layer.channels
        if TABLE.search(layer.name) and layer.bias is None and width in read and rows not in read:
            raise CheckpointError(
                path,
                found=f"a table of {rows:,} vectors of {width:,} numbers ({layer.name}) before dense layers alone",
                expected="a recurrent layer or attention between, whose tensors tell how the vectors become one",
                do=USE_MODEL,
            )


def _file_order(state: Mapping[str, Tensor], norms: Sequence[Norm]) -> list[str]:
    """Name layers and norms as they stand in the file."""
    own = {f"{norm.name}.weight": norm.name for norm in norms if norm.mean is None}
    weights = {
        name: tensor for name, tensor in state.items() if name.endswith(MEAN) or name in own or tensor.dim() in (2, 4)
    }
    return [own.get(name) or (_norm_name(name) if name.endswith(MEAN) else _layer_name(name)) for name in weights]


def _with_settings(layer: Layer, parts: Mapping[str, Part]) -> Layer:
    """Take over what a pickled module states of a convolution."""
    if not layer.is_convolution or layer.name not in parts:
        return layer
    stated = {name: parts[layer.name].settings.get(name) for name in ("padding", "stride")}
    same = {name: value[0] for name, value in stated.items() if isinstance(value, tuple) and len(set(value)) == 1}
    groups = parts[layer.name].settings.get("groups")
    return replace(layer, **same, groups=groups if isinstance(groups, int) and groups > 0 else 1)


def _check_values(state: Mapping[str, Tensor], path: object) -> None:
    """Refuse tensors without values, codes of a packing that is not ours to guess, and matrices that are no layers."""
    for name, tensor in state.items():
        if ADAPTER.search(name):
            found, expected = f"a LoRA adapter, which changes another network's weights ({name})", "a whole network"
            do = f"merge it into that network (merge_and_unload() of peft) and save it, or {USE_MODEL}"
        elif len(state) == 1 and tensor.dim() == 2 and TABLE.search(name):
            found = f"a table of {len(tensor):,} vectors of {tensor.shape[1]:,} numbers alone ({name})"
            expected, do = "layers that compute something of it", USE_MODEL
        elif RECURRENT.search(name):
            found, expected, do = f"a recurrent cell ({name})", "dense layers and convolutions beside it", USE_MODEL
        elif tensor.numel() == 0:
            found, do = f"{name} of shape {tuple(tensor.shape)}", "save the model after it was built and trained"
            expected = "tensors with real values"
        elif tensor.dim() > 1 and not tensor.is_floating_point():
            found, expected = f"{name} of whole numbers ({tensor.dtype}), as of fixed-point weights", "real values"
            do = "pass --fixed-point with the number of binary digits behind the point, or save floats"
        else:
            continue
        raise CheckpointError(path, found=found, expected=expected, do=do)


# --------------------------------------------------------------------------- names -> layers


def _group(state: Mapping[str, Tensor]) -> tuple[list[Layer], list[Norm], list[str]]:
    """Sort tensors into layers and norms; what fits neither is returned by name."""
    left = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    norms = [_take_norm(left, name) for name in list(left) if name.endswith(MEAN)]
    layers = []
    for name in [name for name, tensor in left.items() if tensor.dim() in (2, 4)]:
        weight = left.pop(name)
        bias = _bias_name(name, weight, left)
        layers.append(Layer(_layer_name(name), weight.float(), left.pop(bias).float() if bias else None))
    return layers, norms, list(left)


def _take_norm(left: dict[str, Tensor], mean_name: str) -> Norm:
    parent = mean_name.removesuffix(MEAN)
    parts = {part: left.pop(parent + part, None) for part in ("running_mean", "running_var", "weight", "bias")}
    mean, var = parts["running_mean"], parts["running_var"]
    assert mean is not None
    return Norm(
        _norm_name(mean_name),
        mean.float(),
        torch.ones_like(mean).float() if var is None else var.float(),
        None if parts["weight"] is None else parts["weight"].float(),
        None if parts["bias"] is None else parts["bias"].float(),
    )


def _with_own_norms(
    norms: Sequence[Norm], unknown: Sequence[str], state: Mapping[str, Tensor], layers: Sequence[Layer]
) -> tuple[list[Norm], list[str]]:
    """Take vectors of a dense layer's width for layer norms, or without a bias for RMS norms; give what is left."""
    widths = {len(layer.weight) for layer in layers if not layer.is_convolution}
    found, left = list(norms), list(unknown)
    for name in unknown:
        if is_own_norm(name, state) and len(state[name]) in widths:
            parent = name.removesuffix(".weight")
            bias = state.get(f"{parent}.bias")
            found.append(Norm(parent, None, None, state[name].float(), None if bias is None else bias.float()))
            left = [other for other in left if other not in (name, f"{parent}.bias")]
    return found, left


def _bias_name(weight_name: str, weight: Tensor, left: Mapping[str, Tensor]) -> str | None:
    """Find the vector that belongs to a matrix: the same name but for the word, else a sibling called so, by size."""
    fits = [name for name, tensor in left.items() if tensor.dim() == 1 and len(tensor) == len(weight)]
    swapped = re.sub(r"weight(s?)$", lambda m: "bias" + ("es" if m[1] else ""), weight_name)
    short = [re.sub(r"(^|[._])[Ww]([._]?\d*)$", rf"\1{letter}\2", weight_name) for letter in "bB"]  # w1 -> b1
    parent = weight_name.rpartition(".")[0]
    siblings = [name for name in fits if parent and re.fullmatch(rf"{re.escape(parent)}\.(b|\w*bias\w*|offset)", name)]
    return next((name for name in (swapped, *short, *siblings) if name in fits), None)


def _norm_name(mean_name: str) -> str:
    return mean_name.removesuffix(MEAN).rstrip(".")


def _layer_name(weight_name: str) -> str:
    parent, _, own = weight_name.rpartition(".")
    return parent or re.sub(r"[._]?weights?$", "", own) or "linear"
