"""Lists of layers as words."""

from __future__ import annotations

from collections.abc import Sequence

MANY_LAYERS = 12
"""Largest number of hidden layers that have one sentence each; more of them share one sentence."""


def layer_name(name: str) -> str:
    """Give a layer's name so that it looks like one: ``layer 0`` where it is only a number.

    Examples
    --------
    >>> layer_name("0"), layer_name("layers.2"), layer_name("fc1")
    ('layer 0', 'layers.2', 'fc1')
    """
    return f"layer {name}" if name.replace(".", "").isdigit() else name


def layers_named(names: Sequence[str], most: int = 6) -> str:
    """Name layers so that a reader knows that they are layers: the first `most`, and how many others.

    Examples
    --------
    >>> layers_named(["0"]), layers_named(["fc1", "fc2"]), layers_named(["fc1", "fc2", "fc3"], most=1)
    ('layer 0', 'layers fc1 and fc2', 'layers fc1 and 2 more')
    """
    return f"{'layer' if len(names) == 1 else 'layers'} {some(names, most)}"


def listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does.

    Examples
    --------
    >>> listed(["32", "16", "10"]), listed(["fc1", "fc2"]), listed(["fc1"])
    ('32, 16 and 10', 'fc1 and fc2', 'fc1')
    """
    return " and ".join([*filter(None, [", ".join(parts[:-1])]), *parts[-1:]])


def some(names: Sequence[str], most: int = 6) -> str:
    """Name the first `most` layers, and count the others.

    Examples
    --------
    >>> some(["fc1", "fc2"]), some(["fc1", "fc2", "fc3"], most=1)
    ('fc1 and fc2', 'fc1 and 2 more')
    """
    if len(names) <= most:
        return listed(names)
    return listed([*names[:most], f"{len(names) - most} more"])
