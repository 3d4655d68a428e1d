"""Permutations put to work: weights in another order, the same function."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from interp.comparison.permutations.groups import Groups

Permutations = Mapping[int, Tensor]
"""Group -> for each place of the group, the node that is put there."""


def spread(permutation: Tensor, block: int) -> Tensor:
    """Give the permutation of entries of which a block each belongs to one node.

    Parameters
    ----------
    permutation
        Node for each place (N,).
    block
        Number of neighbouring entries of a node.

    Examples
    --------
    >>> spread(torch.tensor([1, 0]), 2)
    tensor([2, 3, 0, 1])
    """
    return (permutation[:, None] * block + torch.arange(block)).flatten()


def permuted_state(state: Mapping[str, Tensor], groups: Groups, permutations: Permutations) -> dict[str, Tensor]:
    """Give weights and buffers with the nodes of each group in another order.

    Parameters
    ----------
    state
        State dict of the network.
    groups
        Groups of its nodes.
    permutations
        Group -> order of its nodes; groups that are missing stay as they are.
    """
    moved = dict(state)
    for axis in groups.axes:
        if axis.group in permutations:
            order = spread(permutations[axis.group], axis.block)
            moved[axis.name] = moved[axis.name].index_select(axis.axis, order)
    return moved


def permuted(module: nn.Module, groups: Groups, permutations: Permutations) -> nn.Module:
    """Give a copy of a network with the nodes of each group in another order; it computes the same.

    Parameters
    ----------
    module
        Network whose nodes are permuted.
    groups
        Groups of its nodes, as `find_groups` gives them.
    permutations
        Group -> order of its nodes.

    Examples
    --------
    >>> from interp.comparison.permutations.groups import find_groups
    >>> network, x = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), torch.rand(5, 4)
    >>> moved = permuted(network, find_groups(network, x), {0: torch.tensor([2, 0, 1])})
    >>> torch.allclose(moved(x), network(x), atol=1e-6)
    True
    """
    moved = copy.deepcopy(module)
    moved.load_state_dict(permuted_state(module.state_dict(), groups, permutations))
    return moved


def random_permutations(groups: Groups, seed: int) -> dict[int, Tensor]:
    """Draw an order of every group.

    Parameters
    ----------
    groups
        Groups of a network's nodes.
    seed
        Seed of the permutations.
    """
    generator = torch.Generator().manual_seed(seed)
    return {group: torch.randperm(size, generator=generator) for group, size in groups.sizes.items()}
