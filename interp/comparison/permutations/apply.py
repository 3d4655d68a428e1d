"""Permutations put to work: weights in another order, the same function."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from interp.comparison.permutations.groups import Groups, Piece

Permutations = Mapping[int, Tensor]
"""Group -> for each place of the group, the node that is put there; a row for each node of the group it lies within."""


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
    for name, pieces in groups.pieces.items():
        moved[name] = state[name].clone(memory_format=torch.contiguous_format)
        for piece in pieces:
            piece.view(moved[name]).copy_(rearranged(piece.view(state[name]), piece, groups, permutations))
    return moved


def rearranged(
    values: Tensor, piece: Piece, groups: Groups, permutations: Permutations, but: tuple[int, ...] = ()
) -> Tensor:
    """Give a piece of an array with its groups in another order.

    Parameters
    ----------
    values
        The piece, in its shape.
    piece
        Place of the piece in the network.
    groups
        Groups of the network.
    permutations
        Group -> order of its nodes; groups that are missing stay as they are.
    but
        Axes that stay as they are.
    """
    moving = {axis: one for axis, one in enumerate(piece.groups) if one in permutations and axis not in but}
    for axis, group in moving.items():
        if group not in groups.within:
            values = values.index_select(axis, permutations[group].to(values.device))
    for axis, group in moving.items():
        if group in groups.within:
            values = _within(values, piece, groups, permutations, axis)
    return values


def _within(values: Tensor, piece: Piece, groups: Groups, permutations: Permutations, axis: int) -> Tensor:
    """Order a group that lies within another, whose nodes are in their new places already."""
    outer_group = groups.within[piece.groups[axis]]
    outer = piece.groups.index(outer_group)
    inner = permutations[piece.groups[axis]]
    rows = inner[permutations[outer_group]] if outer_group in permutations else inner
    nodes = torch.arange(len(rows))[:, None]
    front = values.movedim((outer, axis), (0, 1))
    return front[nodes.to(values.device), rows.to(values.device)].movedim((0, 1), (outer, axis))


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

    def draw(size: int) -> Tensor:
        return torch.randperm(size, generator=generator)

    return {
        group: torch.stack([draw(size) for _ in range(groups.sizes[groups.within[group]])])
        if group in groups.within
        else draw(size)
        for group, size in groups.sizes.items()
    }


def moved_nodes(permutations: Permutations) -> tuple[int, int]:
    """Give how many nodes are put into another place, and how many there are.

    Parameters
    ----------
    permutations
        Group -> order of its nodes.

    Examples
    --------
    >>> moved_nodes({0: torch.tensor([1, 0, 2])})
    (2, 3)
    """
    moved = sum(int((order != torch.arange(order.shape[-1])).sum()) for order in permutations.values())
    return moved, sum(order.numel() for order in permutations.values())
