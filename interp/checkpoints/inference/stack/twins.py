"""Several networks of the same shapes in one file, such as a network and its delayed copy, or an ensemble."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from interp.checkpoints.inference.stack.layers import Layer

IN_A_ROW = frozenset(
    {
        "block", "body", "cell", "classifier", "conv", "decoder", "dense", "encoder", "fc", "feature", "group", "head",
        "hidden", "layer", "linear", "module", "neck", "part", "res", "resblock", "stack", "stage", "stem", "tower",
        "trunk", "unit",
    }
)  # fmt: skip
"""Names, in the singular and without numbers, of parts that run one after the other."""


def twins(layers: Sequence[Layer]) -> list[str]:
    """Name the networks of a file that all have the same layers, under names that do not say that they run in a row.

    Two networks that give as many values as they take chain like one of twice the depth, so that shapes do not tell.

    Parameters
    ----------
    layers
        Layers of a file, in any order.

    Returns
    -------
    list of str
        Beginning of the names of each network, as ``--prefix`` takes it; empty where there are no such networks.

    Examples
    --------
    >>> import torch
    >>> shapes = {"0": (6, 4), "2": (4, 6)}
    >>> def named(*parts):
    ...     return [Layer(f"{one}.{own}", torch.ones(shapes[own]), None) for one in parts for own in shapes]
    >>> twins(named("online", "target")), twins(named("encoder", "decoder")), twins(named("nets.0", "nets.1"))
    (['online', 'target'], [], ['nets.0', 'nets.1'])
    """
    paths = [layer.name.split(".") for layer in layers]
    shared = len([*takewhile(lambda words: len(set(words)) == 1, zip(*paths, strict=False))])
    groups: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for layer, path in zip(layers, paths, strict=True):
        own = ".".join(path[shared + 1 :]), tuple(layer.weight.shape)
        groups.setdefault(".".join(path[: shared + 1]), []).append(own)
    contents = [sorted(group) for group in groups.values()]
    are_alike = len(groups) > 1 and len(contents[0]) > 1 and all(group == contents[0] for group in contents)
    return [] if not are_alike or all(_is_in_a_row(name) for name in groups) else list(groups)


def _is_in_a_row(name: str) -> bool:
    """Whether a name, or that of the list that a number counts in, is of a part that others follow."""
    words = [word for word in re.split(r"[\d._]+", name.lower()) if word]
    return bool(words) and words[-1].removesuffix("s") in IN_A_ROW
