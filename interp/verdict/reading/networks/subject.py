"""A loaded network as what is read: its cut, and its samples as tensors."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from interp.interventions.engine.sites import ChainSite, find_site
from interp.network.chain import chain_steps
from interp.network.inputs import as_tensor, device_of
from interp.types import Array, LoadedModel, NodeLayer
from interp.verdict.reading.networks.cut import CHUNK, Cut, chain_cut
from interp.verdict.reading.networks.hooked import hooked_cut

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

    A plain chain is run with its copies in one stack, if that gives what the network gives; any other is run once for
    each change, with hooks.

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
    return Subject(model.module, hooked_cut(layers, logits), x, norms)


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
    chain = nn.Sequential(*copy.deepcopy(steps)).eval().requires_grad_(False)
    for part in chain.modules():
        if getattr(part, "inplace", False) is True:
            setattr(part, "inplace", False)  # noqa: B010  modules declare tensors and modules only
    ends = {site.layer.name: len(site.before) + len(site.active) for site in sites if isinstance(site, ChainSite)}
    return chain, ends


def runs_alike(chain: nn.Sequential, cut: Cut, inputs: Tensor) -> bool:
    """Whether a stack of a chain, cut at every layer, gives what the chain gives on some inputs."""
    plain = cut.logits(chain(inputs))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of vmap, for a rare operation
            networks = cut.take([chain, chain])
            for name in cut.layers:
                outputs = networks.until(name, inputs)
                found = cut.following(networks, name, inputs)(outputs)
                if not is_by_node(outputs, found) or not torch.allclose(found[1], plain, 1e-3, 1e-4):
                    return False
    except Exception:  # a step of the user's own that cannot be stacked fails in its own way
        return False
    return True


def is_by_node(outputs: Tensor, logits: Tensor) -> bool:
    """Whether outputs are laid out as (M, S, N) or (M, S, N, H, W), and logits as (M, S, K)."""
    return outputs.dim() in (3, 5) and logits.dim() == 3  # four axes: nodes may be the last


def _fitting(chain: nn.Sequential, ends: dict[str, int], inputs: Tensor) -> int:
    """Give how many copies to run at once."""
    largest = max(chain[:end](inputs[:1]).numel() for end in ends.values()) * len(inputs)
    return int(np.clip(MOST_VALUES // largest, 1, CHUNK))
