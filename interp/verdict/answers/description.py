"""What the network is: what it takes, what it gives, and how it is built."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from interp.checkpoints.inspection import inspection
from interp.types import LoadedModel
from interp.verdict.evidence import Evidence
from interp.verdict.words import layer_name, listed, some


def what_it_is(found: Evidence) -> str:
    """Say in one sentence what the network takes and gives.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> what_it_is(Evidence(model, data))[:41]
    'A network of one layer (64 inputs, then 1'
    """
    asked = f" for {found.task.asked}" if found.task.asked else ""
    return f"A network of {_built(found.model)}{asked}, looked at with {_data(found)}."


def _built(model: LoadedModel) -> str:
    """Give the widths of a plain chain, else the layers of each kind."""
    widths, count = inspection(model)["widths"], len(model.layers)
    layers = "one layer" if count == 1 else f"{count} layers"
    if widths:
        nodes = listed([f"{width:,}" for width in widths[1:]])
        return f"{layers} ({widths[0]:,} inputs, then {nodes} nodes{_named(model)})"
    kinds = Counter(layer.kind for layer in model.layers)
    nodes = f"{sum(layer.nodes for layer in model.layers):,} nodes{_named(model)}"
    return f"{layers} ({', '.join(f'{number} {kind}' for kind, number in kinds.items())}; {nodes})"


def _named(model: LoadedModel) -> str:
    """Give the names of layers that are only numbers, which count activations too."""
    names = [layer.name for layer in model.layers]
    return f", named {some(names)} in the file" if any(layer_name(name) != name for name in names) else ""


def _data(found: Evidence) -> str:
    data = found.data
    name = PurePath(data.name).name or data.name
    if data.image_shape is not None:
        channels, height, width = data.image_shape
        return f"images of {name}, {height} by {width} pixels{'' if channels == 1 else f' in {channels} channels'}"
    return f"rows of {name}, {data.width:,} {'columns' if data.features else 'values'} each"
