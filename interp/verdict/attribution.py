"""Captum's importance of each node beside ours: layer conductance, and the same ablation by its own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from interp.interventions import ablate
from interp.interventions.edits import on_values
from interp.network.calls import place_of
from interp.network.caps import chosen_nodes
from interp.network.hooks import edit, tap
from interp.network.inputs import as_tensor, device_of
from interp.network.nodes import rows_of_nodes
from interp.tasks import find_task
from interp.tasks.predictions import predict
from interp.types import Array, Attribution, LoadedModel, NodeLayer, Split


@dataclass(frozen=True)
class AttributionOptions:
    """How much is attributed.

    Attributes
    ----------
    samples
        Inputs, drawn at random.
    steps
        Of the integral along the path from the zero input, both ends included.
    captum_nodes
        Nodes at most that Captum ablates too, one run each.
    repetitions
        Of the bootstrap over nodes.
    seed
        Of every draw.
    single_nodes
        Nodes of a layer that are ablated, drawn at random; None: all.
    layers
        Names of the hidden layers to score; none: all.
    """

    samples: int = 200
    steps: int = 20
    captum_nodes: int = 256
    repetitions: int = 1000
    seed: int = 0
    single_nodes: int | None = None
    layers: tuple[str, ...] = ()


def attribute(
    model: LoadedModel, layer: NodeLayer, split: Split, options: AttributionOptions = AttributionOptions()
) -> Attribution:
    """Score one layer's nodes three ways on the same inputs, for the class (or label) with each input's largest output.

    Where outputs are measured values, it is their sum that is attributed.

    Conductance (Dhamdhere, Sundararajan and Yan 2018) is taken at z: for an elementwise activation it is
    the same as at its output, since (dF/da)(da/dz)(dz/dx) = (dF/da)(da/dx).

    Parameters
    ----------
    model, layer
        What is scored.
    split
        Inputs are drawn from it.
    options
        Sizes and seed.
    """
    rows = np.random.default_rng(options.seed).permutation(len(split))[: options.samples]
    x = as_tensor(split.inputs[np.sort(rows)], model.scaling, model.input_shape).to(device_of(model.module))
    with torch.no_grad():
        outputs = _forward(model)(x)
        target = _target(outputs, predict(outputs, model.output))
    conductance = _conductance(model, layer, x, target, options.steps)
    nodes = chosen_nodes(layer, options.single_nodes, options.seed)
    ablation = _ablation(model, layer, x, target, nodes)
    rho, p_value = _spearman(conductance[nodes], ablation[nodes])
    low, high = _bootstrap(conductance[nodes], ablation[nodes], options)
    return Attribution(
        conductance=conductance,
        ablation=ablation,
        captum_ablation=_captum_ablation(model, layer, x, target, nodes, options.captum_nodes),
        rank_correlation=rho,
        low=low,
        high=high,
        p_value=p_value,
        samples=len(x),
    )


def _forward(model: LoadedModel) -> Callable[[Tensor], Tensor]:
    """Give what is attributed: the network, or the sum of its outputs (B, 1) where they are measured values."""
    if not find_task(model.task).measured:
        return model.module
    return lambda x: model.module(x).sum(1, keepdim=True)


def _target(outputs: Tensor, guess: Tensor) -> Tensor:
    return torch.zeros_like(guess) if outputs.shape[1] == 1 else guess


def _conductance(model: LoadedModel, layer: NodeLayer, x: Tensor, target: Tensor, steps: int) -> Array:
    from captum.attr import LayerConductance

    place = place_of(model.module, layer.tap)
    if not isinstance(place, nn.Module) or layer.layout != "samples":
        return np.full(layer.nodes, np.nan)  # Captum reads outputs of modules, samples on axis 0
    with _out_of_place(model.module):
        method = LayerConductance(_forward(model), place)
        # Captum adds up changes of z between the path's points; its default points leave both ends out (at 20 steps
        # 0.6 % of the path), so that scores of a linear network would not sum to the change of its output.
        scores = method.attribute(
            x, baselines=0, target=target, n_steps=steps, method="riemann_trapezoid", internal_batch_size=len(x) * 4
        )
    return _per_node(scores.detach().abs(), layer.kind)


def _per_node(values: Tensor, kind: str) -> Array:
    """Mean over samples of the sum over positions, (N,)."""
    rows = rows_of_nodes(values, kind)
    summed = rows.reshape(len(values), -1, rows.shape[1]).sum(1)
    return np.asarray(summed.mean(0).cpu().double())


@torch.no_grad()
def _ablation(model: LoadedModel, layer: NodeLayer, x: Tensor, target: Tensor, nodes: Array) -> Array:
    """Mean |change| of the target's score when a node's output is 0, (N,), by our hooks; NaN of all but `nodes`."""
    forward = _forward(model)
    base = _scores(forward(x), target)
    changes = np.full(layer.nodes, np.nan)
    for node in map(int, nodes):
        with edit(model.module, layer, *on_values(ablate(node, 0), layer)):
            changes[node] = float((base - _scores(forward(x), target)).abs().double().mean())
    return changes


def _scores(outputs: Tensor, target: Tensor) -> Tensor:
    return outputs.gather(1, target[:, None])[:, 0]


@torch.no_grad()
def _captum_ablation(model: LoadedModel, layer: NodeLayer, x: Tensor, target: Tensor, nodes: Array, most: int) -> Array:
    """Give the same changes by Captum; NaN where a node's output is no module's output, or f(0) is not 0."""
    from captum.attr import LayerFeatureAblation

    found = np.full(layer.nodes, np.nan)
    if layer.activation not in ("identity", "relu", "abs", "tanh", "gelu", "silu", "elu", "leaky_relu"):
        return found  # Captum sets z to 0, which silences the output only where f(0) = 0
    place, mask = place_of(model.module, layer.tap), _node_mask(model, layer, x, nodes)
    if not isinstance(place, nn.Module) or mask is None or len(nodes) > most:
        return found
    method = LayerFeatureAblation(_forward(model), place)
    with _out_of_place(model.module):
        scores = method.attribute(x, layer_baselines=0, target=target, layer_mask=mask)
    changes = rows_of_nodes(scores, layer.kind)  # one score a node, repeated over positions
    found[nodes] = changes.abs().mean(0).cpu().double().numpy()[nodes]
    return found


def _node_mask(model: LoadedModel, layer: NodeLayer, x: Tensor, nodes: Array) -> Tensor | None:
    """One group a node, as z with the group's number everywhere, and one of all other nodes.

    None where samples are not on axis 0.
    """
    with tap(model.module, [layer]) as seen:
        model.module(x[:1])
    shape = seen[layer.name].shape
    groups = torch.full((layer.nodes,), len(nodes), device=x.device)
    groups[torch.from_numpy(nodes).to(x.device)] = torch.arange(len(nodes), device=x.device)
    if layer.layout != "samples":
        return None
    if not layer.kind.startswith("conv"):
        return groups.expand(1, *shape[1:])
    return groups.view(1, -1, *(1 for _ in shape[2:])).expand(1, *shape[1:])


@contextmanager
def _out_of_place(module: nn.Module) -> Iterator[None]:
    """Turn in-place activations off for a while: Captum's hooks need z to stay what it was."""
    parts = [part for part in module.modules() if getattr(part, "inplace", False) is True]
    for part in parts:
        part.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for part in parts:
            part.inplace = True  # type: ignore[assignment]


# --------------------------------------------------------------------------- agreement


def _spearman(first: Array, second: Array) -> tuple[float, float]:
    """Spearman's rho and its p-value; NaN for fewer than three nodes or constant scores."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan"), float("nan")
    result = stats.spearmanr(first, second)
    return float(result.statistic), float(result.pvalue)


def _bootstrap(first: Array, second: Array, options: AttributionOptions) -> tuple[float, float]:
    """95 % percentile interval of rho, resampling nodes."""
    rng = np.random.default_rng(options.seed)
    draws = rng.integers(0, len(first), (options.repetitions, len(first)))
    rhos = np.array([_spearman(first[rows], second[rows])[0] for rows in draws])
    if np.isnan(rhos).mean() > 0.5:
        return float("nan"), float("nan")
    low, high = np.nanquantile(rhos, [0.025, 0.975])
    return float(low), float(high)
