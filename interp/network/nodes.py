"""Which tensors of a network are nodes: a linear map, the norm that follows it, its activation.

The network runs on a few samples while every call of a torch function is recorded, so that activations that are
functions, used several times or in place are found as well as modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from interp.network.hooks import edit, tap
from interp.network.kinds import kind_named
from interp.network.layouts import Take, with_layouts
from interp.network.tracing.calls import place_of
from interp.network.tracing.trace import OUTPUTS, End, Tapped, Watch
from interp.network.tracing.uses import activation_of, tensors_in
from interp.types import NodeLayer


class Structure(NamedTuple):
    """Layers of a network, and what one run of it gave.

    Attributes
    ----------
    layers
        Layers with nodes, in the order in which they run.
    skipped
        Module name -> reason why no layer covers it, for modules that hold parameters.
    output
        Function that is applied to the z that the output comes from, that of the last layer where none was seen:
        ``linear``, ``activation``, ``negated``, ``negated-activation``, ``log-softmax``, ``softmax`` or ``sigmoid``;
        ``distance`` or ``negated-distance`` where that layer computes distances.
    outputs
        Outputs of the network for the samples of that run.
    is_finite
        Whether all values of nodes on these samples are finite; otherwise activations may have gone unnoticed.
    """

    layers: tuple[NodeLayer, ...]
    skipped: dict[str, str]
    output: str
    outputs: Any
    is_finite: bool


def find_layers(module: nn.Module, example: Tensor) -> Structure:
    """Find the layers of a network by recording what it calls in one run.

    Parameters
    ----------
    module
        Network in eval mode.
    example
        A few samples as the module takes them (B, ...).

    Returns
    -------
    Structure
        Layers with nodes, and modules that none covers.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).eval()
    >>> [(layer.name, layer.activation) for layer in find_layers(network, torch.ones(2, 2)).layers]
    [('0', 'relu'), ('2', 'identity')]
    """
    with torch.no_grad(), Watch(module) as watch:
        outputs = module(example)
        watch.give(outputs)
    once = [seen for seen in watch.seen.values() if seen.calls == 1 or kind_named(seen.kind).each_step]
    odd = {seen.name: why for seen in once if (why := _odd_axes(seen))}
    once = [seen for seen in once if seen.name not in odd]
    once = [seen if seen.read else _unread(module, seen, watch, example, outputs) for seen in once]
    found = [_node_layer(module, seen) for seen in once]
    form = _output_form(once, watch.end)
    is_finite = all(bool(torch.isfinite(seen.z).all()) for seen in watch.seen.values())
    del once
    watch.forget()  # values of all nodes: of a large vision transformer half as much as its weights
    layers, mixed = _with_layouts(module, found, example)
    return Structure(tuple(layers), _skipped(module, watch, layers) | mixed | odd, form, outputs, is_finite)


def _odd_axes(seen: Tapped) -> str:
    """Say how a class of one's own changes the axes (B, N, *positions) of a convolution; nothing if it keeps them."""
    is_odd = seen.kind.startswith("conv") and seen.z.dim() != len(seen.weight)
    return f"{seen.kind} whose outputs have {seen.z.dim()} axes, not {len(seen.weight)}" if is_odd else ""


def _unread(module: nn.Module, seen: Tapped, watch: Watch, example: Tensor, outputs: Any) -> Tapped:
    """Take what is made of nodes that nothing reads, such as a second head's; as it was where the outputs hang on them.

    These are read in a way that cannot be followed: by code outside of torch's functions.
    """
    draws = torch.Generator().manual_seed(0)

    def moved(z: Tensor) -> Tensor:
        return z + torch.randn(z.shape, generator=draws).to(z)

    with torch.no_grad(), edit(module, _node_layer(module, seen), before=moved):
        other = module(example)
    is_alike = all(map(torch.equal, tensors_in([outputs]), tensors_in([other])))
    return seen._replace(read=watch.left(seen.name)) if is_alike else seen


def _node_layer(module: nn.Module, seen: Tapped) -> NodeLayer:
    transposed = seen.kind.startswith("conv-transpose")
    nodes = seen.weight[1] * seen.groups if transposed else seen.weight[0]
    inputs = prod(seen.weight) // seen.weight[1] if transposed else prod(seen.weight[1:]) * seen.groups
    layer = NodeLayer(seen.name, seen.kind, nodes, inputs, activation_of(seen.read), seen.tap)
    if not kind_named(seen.kind).each_step:
        return layer
    backwards = getattr(place_of(module, seen.tap), "backwards", False)
    return replace(layer, layout="steps-backwards" if backwards else "steps")


def _output_form(once: Sequence[Tapped], end: End | None) -> str:
    """Name what is applied to the z that the output comes from; to that of the last layer where none is known."""
    seen = next((seen for seen in reversed(once) if end is None or seen.name == end.layer), None)
    if seen is None:
        return "linear"
    if end is not None and end.is_plain:  # what else is made of z stands aside, such as probabilities beside logits
        negated = end.state.startswith("~") and "neg" in seen.trail
        seen = seen._replace(trail=("neg",) if negated else (), read=frozenset("z"))
    if kind_named(seen.kind).distances:
        return "negated-distance" if "neg" in seen.trail else "distance"
    negated = "neg" in seen.trail
    named = next((OUTPUTS[function] for function in seen.trail if function in OUTPUTS), None)
    if end is not None and end.state in OUTPUTS.values():
        return end.state
    if named is not None:
        return named
    active = activation_of(seen.read) != "identity"
    return {(False, False): "linear", (False, True): "activation", (True, False): "negated"}.get(
        (negated, active), "negated-activation"
    )


# --------------------------------------------------------------------------- samples


def _with_layouts(
    module: nn.Module, layers: list[NodeLayer], example: Tensor
) -> tuple[list[NodeLayer], dict[str, str]]:
    """Find the samples in each layer's values; of layers whose rows belong to no one sample give the reason."""
    first, second = example[:1], example[1:2]
    if len(second) == 0 or torch.equal(first, second):
        second = torch.randn(first.shape, generator=torch.Generator().manual_seed(0)).to(first)

    def read(inputs: Tensor, some: Sequence[NodeLayer], take: Take) -> dict[str, Tensor]:
        with torch.no_grad(), tap(module, some, to_end=False, take=take) as values:
            module(inputs)
        return values

    found = with_layouts(layers, first, second, read)
    kept = {layer.name for layer in found}
    return found, {la.name: f"{la.kind}: its rows belong to no one sample" for la in layers if la.name not in kept}


# --------------------------------------------------------------------------- modules without nodes


def _skipped(module: nn.Module, watch: Watch, layers: list[NodeLayer]) -> dict[str, str]:
    """Give a reason for every module that holds parameters which belong to no layer."""
    covered = {layer.name for layer in layers} | {layer.tap for layer in layers}
    marks = {name.removesuffix(".running_mean") for name in covered}
    reasons = {}
    for name, part in module.named_modules():
        inner = ".parametrizations." in f".{name}." and name.split(".parametrizations.")[0] in covered
        own = [f"{name}.{own}".strip(".") for own, _ in part.named_parameters(recurse=False)]
        left = [parameter for parameter in own if parameter not in covered | watch.biases]
        if name in covered | marks or inner or not left:
            continue
        reasons[name or WHOLE] = _reason(name, part, watch, [own.rpartition(".")[2] for own in left])
    return reasons


WHOLE = "(network)"
"""Name of the network itself, whose dotted path is empty."""


RUNS_AGAIN = "times, so it has no one value of z"
"""End of the reason why a part that runs more than once for a sample is no layer of nodes."""


def _reason(name: str, part: nn.Module, watch: Watch, left: list[str]) -> str:
    kind = type(part).__name__
    calls = watch.seen[name].calls if name in watch.seen else 0
    if calls > 1:
        return f"{kind} runs {calls} {RUNS_AGAIN}"
    if name in watch.kinds:
        return f"{kind} was not called"
    if len(left) < sum(1 for _ in part.parameters(recurse=False)) or any(True for _ in part.children()):
        return f"{kind}: {', '.join(left)} belong to no linear map that interp knows"
    return f"{kind} is no linear map that interp knows"


# --------------------------------------------------------------------------- values of nodes


def rows_of_nodes(output: Tensor, kind: str) -> Tensor:
    """Arrange the output of a layer with one row for each sample and position.

    Parameters
    ----------
    output
        Output of a convolution (B, N, H, W) or (B, N, L), or of a linear map (B, N) or (B, T, N).
    kind
        Kind of the layer's nodes.

    Returns
    -------
    Tensor
        Rows (B * positions, N), the positions of one sample after each other.

    Examples
    --------
    >>> rows_of_nodes(torch.zeros(2, 3, 4, 5), "conv2d").shape
    torch.Size([40, 3])
    """
    if kind.startswith("conv"):
        output = output.flatten(2).transpose(1, 2)
    return output.reshape(-1, output.shape[-1])


def positions_of_nodes(output: Tensor, kind: str) -> Tensor:
    """Arrange the output of a layer by sample and position, as a view wherever its layout allows it.

    Parameters
    ----------
    output
        Output of a convolution (B, N, H, W) or (B, N, L), or of a linear map (B, N) or (B, T, N).
    kind
        Kind of the layer's nodes.

    Returns
    -------
    Tensor
        Values (B, positions, N).

    Examples
    --------
    >>> positions_of_nodes(torch.zeros(2, 3, 4, 5), "conv2d").shape
    torch.Size([2, 20, 3])
    """
    if kind.startswith("conv"):
        return output.flatten(2).transpose(1, 2)
    return output.reshape(len(output), -1, output.shape[-1])
