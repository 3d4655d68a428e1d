"""Activations behind the hidden layers of a stack: one name for all of them, or one each."""

from __future__ import annotations

from collections.abc import Sequence

JOINT = ", "
"""What stands between the names of activations, one a hidden layer."""


def spread(activation: str, hidden: int) -> tuple[str, ...]:
    """Give the activation behind each hidden layer.

    Parameters
    ----------
    activation
        Name of one activation for all layers, or names with commas between them, one a hidden layer.
    hidden
        Number of hidden layers.

    Examples
    --------
    >>> spread("relu", 3), spread("relu, identity", 2)
    (('relu', 'relu', 'relu'), ('relu', 'identity'))
    """
    names = tuple(name.strip() for name in activation.split(","))
    return names * hidden if len(names) == 1 else names


def joined(names: Sequence[str]) -> str:
    """Name the activations of all hidden layers: one name where they are the same.

    Parameters
    ----------
    names
        Activation behind each hidden layer, one at least.

    Examples
    --------
    >>> joined(["relu", "relu"]), joined(["relu", "identity"])
    ('relu', 'relu, identity')
    """
    return names[0] if len(set(names)) == 1 else JOINT.join(names)


def last_of(activation: str) -> str:
    """Give the activation behind the last hidden layer, which is the one behind the outputs where they have one.

    Examples
    --------
    >>> last_of("relu, tanh")
    'tanh'
    """
    return activation.rpartition(",")[2].strip()
