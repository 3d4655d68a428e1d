"""Layers that a quick look at a recurrent network takes: their number grows with gates, layers and directions."""

from __future__ import annotations

from dataclasses import replace

from interp.run.settings.limits import spread_layers
from interp.run.settings.options import Options
from interp.types import Limit, LoadedModel

MOST = 12
"""Most layers that a quick look at a recurrent network takes: fits, nulls and k-means of each take time."""

WHAT = "layers of the network"

QUICK_LAYERS = "quick_layers"
"""Setting of a run that names the layers of a quick look that takes some."""


def quick_layers(model: LoadedModel, options: Options) -> tuple[str, ...]:
    """Choose the layers of a quick look at a recurrent network, evenly over depth, with those that the user names.

    Options that go on with a folder's recording take the layers that it holds, whether the look is quick or not.

    Parameters
    ----------
    model
        Loaded network.
    options
        Options as the user set them.

    Returns
    -------
    tuple of str
        Names of the layers, in network order; empty where all are meant.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> quick_layers(load_model("zoo/pretrained/relu-digits.pt")[0], Options())
    ()
    """
    is_stepwise = any(layer.is_stepwise for layer in model.every_layer)
    if options.quick_layers is not None:
        return options.quick_layers
    if not options.limits.quick or not is_stepwise:
        return ()
    chosen = spread_layers(model.layers, MOST)
    sites = (site.partition(":")[0] for group in options.interventions.groups for site in group)
    named = {*chosen, *options.interventions.layers, *sites}
    taken = tuple(layer.name for layer in model.layers if layer.name in named) if chosen else ()
    return taken if len(taken) < len(model.layers) else ()


def looking_at(model: LoadedModel, names: tuple[str, ...]) -> LoadedModel:
    """Give a network of which some layers are looked at; the network itself is as it was.

    Parameters
    ----------
    model
        Loaded network, all of whose layers are looked at.
    names
        Names of the layers; none for all.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> model = looking_at(load_model("zoo/pretrained/relu-digits.pt")[0], ("output",))
    >>> [layer.name for layer in model.layers], [layer.name for layer in model.every_layer]
    (['output'], ['hidden', 'output'])
    """
    if not names:
        return model
    chosen = tuple(layer for layer in model.layers if layer.name in names)
    return replace(model, layers=chosen, network_layers=model.layers)


def layers_left_out(model: LoadedModel, names: tuple[str, ...]) -> tuple[Limit, ...]:
    """Say how many layers a quick look leaves out.

    Parameters
    ----------
    model
        Network of which these layers are looked at.
    names
        Names of the layers that a quick look takes; none for all.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> model = looking_at(load_model("zoo/pretrained/relu-digits.pt")[0], ("output",))
    >>> (limit,) = layers_left_out(model, ("output",))
    >>> limit.looked_at, limit.of
    (1, 2)
    """
    if not names:
        return ()
    rule = "evenly over depth, the first, the last and those named among them"
    return (Limit(WHAT, len(names), len(model.every_layer), rule, "--only, or leaving out --quick"),)
