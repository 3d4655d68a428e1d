"""From a stack of dense layers and a reading to a module that runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import nn

from interp.activations import Activation, Negate
from interp.chain import Chain
from interp.checkpoints.readings import Reading
from interp.checkpoints.stack import Dense, Norm

OWN_ATTRIBUTES = frozenset(vars(Chain([])))


def rebuild(layers: Sequence[Dense], reading: Reading) -> Chain:
    """Build the network that a reading describes, under the names that its file uses."""
    steps: list[tuple[str, nn.Module]] = []
    for layer in layers:
        last = layer is layers[-1]
        active = reading.activation if not last or reading.output != "linear" else "identity"
        steps.append((layer.name, _linear(layer)))
        steps += _after_linear(layer, active, reading.norm)
    if reading.output == "negated-activation":
        steps.append(("negate", Negate()))
    return chain_of(steps)


def chain_of(steps: Sequence[tuple[str, nn.Module]]) -> Chain:
    """Chain steps in eval mode, under names that modules may bear."""
    return Chain(_usable_names(steps)).eval().requires_grad_(False)


def _usable_names(steps: Sequence[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Keep a file's names where modules may bear them: ``train.0`` would hide a method, ``a/b`` an HDF5 group."""
    usable: list[tuple[str, nn.Module]] = []
    for name, part in steps:
        parts = [re.sub(r"\W", "_", own) or "_" for own in name.replace("/", ".").split(".")]
        tame = ".".join(f"{own}_" if hasattr(Chain, own) or own in OWN_ATTRIBUTES else own for own in parts)
        while any(f"{tame}.".startswith(f"{other}.") or f"{other}.".startswith(f"{tame}.") for other, _ in usable):
            tame = f"{tame.replace('.', '_')}_"
        usable.append((tame, part))
    return usable


def _after_linear(layer: Dense, activation: str, place: str) -> list[tuple[str, nn.Module]]:
    norm = [] if layer.norm is None else [(layer.norm.name, _batch_norm(layer.norm))]
    active = [] if activation == "identity" else [(f"{layer.name}_{activation}", Activation(activation))]
    parts: list[tuple[str, nn.Module]] = [*norm, *active] if place == "before" else [*active, *norm]
    return parts


def _linear(layer: Dense) -> nn.Linear:
    outputs, inputs = layer.weight.shape
    part = nn.Linear(inputs, outputs, bias=layer.bias is not None)
    state = {"weight": layer.weight} if layer.bias is None else {"weight": layer.weight, "bias": layer.bias}
    part.load_state_dict(state)
    return part


def _batch_norm(norm: Norm) -> nn.BatchNorm1d:
    part = nn.BatchNorm1d(len(norm.mean), affine=norm.weight is not None)
    state: dict[str, torch.Tensor] = {"running_mean": norm.mean, "running_var": norm.var}
    if norm.weight is not None and norm.bias is not None:
        state |= {"weight": norm.weight, "bias": norm.bias}
    part.load_state_dict(state, strict=False)
    return part
