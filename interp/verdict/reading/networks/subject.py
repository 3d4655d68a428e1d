"""A loaded network as what is read: its cut, and its samples as tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import torch
from torch import Tensor, nn

from interp.interventions.engine.outputs import read_outputs
from interp.interventions.engine.sites import ChainSite, find_site
from interp.network.chain import chain_steps
from interp.network.inputs import as_tensor, device_of
from interp.network.tracing.offloaded import copy_with_values
from interp.types import Array, LoadedModel, NodeLayer
from interp.verdict.reading.networks.cut import CHUNK, Cut, chain_cut, stepwise_cut
from interp.verdict.reading.networks.hooked import BLOCK, hooked_cut

MOST_VALUES = 3_000_000
"""Largest number of outputs of a layer, over all networks of a stack, that are held at once."""


@dataclass(frozen=True)
class Subject:
    """What is read, and on what.

    Attributes
    ----------
    network
        Network in eval mode, a chain of its own where it can be run as one.
    cut
        Layers, and how the network is cut there.
    inputs
        Samples that it is read on, (S, ...).
    norm_inputs
        Samples that the batch norms of fresh copies measure their statistics on.
    """

    network: nn.Module
    cut: Cut
    inputs: Tensor
    norm_inputs: Tensor


@torch.no_grad()
def subject(model: LoadedModel, layers: Sequence[NodeLayer], inputs: Array, norm_inputs: Array) -> Subject:
    """Find the quickest way to cut a network.

    A plain chain and a recurrent network are run with their copies in one stack, if that gives what the network gives;
    any other is run once for each change, with hooks.

    Parameters
    ----------
    model
        Network whose layers are read.
    layers
        Layers to read.
    inputs, norm_inputs
        Stored inputs (S, D).
    """
    device = device_of(model.module)
    x, norms = (as_tensor(part, model.scaling, model.input_shape).to(device) for part in (inputs, norm_inputs))
    logits = logits_of(model.output)
    chain = _chain(model, layers)
    if chain is not None:
        steps, ends = chain
        cut = chain_cut(ends, logits=logits)
        if runs_alike(steps, cut, x[:2]):
            return Subject(steps, chain_cut(ends, _fitting(steps, ends, x), logits), x, norms)
    return Subject(model.module, _stepwise_cut(model, layers, x) or hooked_cut(layers, logits), x, norms)


def is_stepwise(model: LoadedModel) -> bool:
    """Tell whether a network runs a time step at a time."""
    return any(layer.is_stepwise for layer in model.every_layer)


def _stepwise_cut(model: LoadedModel, layers: Sequence[NodeLayer], inputs: Tensor) -> Cut | None:
    """Cut a recurrent network in a stack with its copies; None for any other, or where that gives something else."""
    cut = stepwise_cut(layers, logits_of(model.output))
    if not is_stepwise(model) or not runs_alike(model.module, cut, inputs[:2], (3, 4)):
        return None
    largest = max(read_outputs(model.module, layer, inputs[:1])[0].numel() for layer in layers)
    return replace(cut, most=together(largest * len(inputs)))


def runs_of_a_pass(model: LoadedModel, layers: Sequence[NodeLayer], inputs: Array) -> float:
    """Count the runs that a pass of one network takes: a share of one in a stack, else one for each block of samples.

    Parameters
    ----------
    model
        Network whose layers are read.
    layers
        Layers to read.
    inputs
        Stored inputs (S, D).
    """
    cut = subject(model, layers, inputs, inputs[:1]).cut
    return 1 / cut.most if cut.most > 1 else ceil(len(inputs) / BLOCK)


def together(values: int) -> int:
    """Give how many networks run at once, whose largest layer gives so many values each."""
    return int(np.clip(MOST_VALUES // values, 1, CHUNK))


def logits_of(form: str) -> Callable[[Tensor], Tensor]:
    """Give what turns a network's outputs into logits, or into numbers that differ from them by a constant.

    Parameters
    ----------
    form
        `LoadedModel.output`.

    Examples
    --------
    >>> logits_of("softmax")(torch.tensor([0.5, 0.5])).diff()
    tensor([0.])
    """
    if form == "softmax":
        return lambda outputs: outputs.clamp_min(1e-30).log()
    if form == "sigmoid":
        return lambda outputs: torch.logit(outputs, eps=1e-7)
    return lambda outputs: outputs


def _chain(model: LoadedModel, layers: Sequence[NodeLayer]) -> tuple[nn.Sequential, dict[str, int]] | None:
    """Copy a chain's steps, none of them in place, with the number of steps up to each layer's activation."""
    steps = chain_steps(model.module)
    sites = [find_site(model, {layer.name: layer}) for layer in layers]
    if steps is None or not all(isinstance(site, ChainSite) for site in sites):
        return None
    chain = copy_with_values(nn.Sequential(*steps)).eval().requires_grad_(False)
    for part in chain.modules():
        if getattr(part, "inplace", False) is True:
            setattr(part, "inplace", False)  # noqa: B010  modules declare tensors and modules only
    ends = {site.layer.name: len(site.before) + len(site.active) for site in sites if isinstance(site, ChainSite)}
    return chain, ends


def runs_alike(network: nn.Module, cut: Cut, inputs: Tensor, axes: Sequence[int] = (3, 5)) -> bool:
    """Whether a stack of a network, cut at every layer, gives what the network gives on some inputs.

    Parameters
    ----------
    network
        Network, in eval mode.
    cut
        Layers to cut at.
    inputs
        Samples, (S, ...).
    axes
        Numbers of axes that layers' outputs have where nodes are on the third; four in a chain have nodes last.
    """
    plain = cut.logits(network(inputs))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of vmap, for a rare operation
            networks = cut.take([network, network])
            for name in cut.layers:
                outputs = networks.until(name, inputs)
                found = cut.following(networks, name, inputs)(outputs)
                if not is_by_node(outputs, found, axes) or not torch.allclose(found[1], plain, 1e-3, 1e-4):
                    return False
    except Exception:  # a step of the user's own that cannot be stacked fails in its own way
        return False
    return True


def is_by_node(outputs: Tensor, logits: Tensor, axes: Sequence[int]) -> bool:
    """Whether outputs are laid out as (M, S, N, ...) with so many axes, and logits as (M, S, K)."""
    return outputs.dim() in axes and logits.dim() == 3


def _fitting(chain: nn.Sequential, ends: dict[str, int], inputs: Tensor) -> int:
    """Give how many copies to run at once."""
    largest = max(chain[:end](inputs[:1]).numel() for end in ends.values()) * len(inputs)
    return together(largest)
