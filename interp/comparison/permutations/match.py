"""Permutations that bring one network nearest to another: by weights, or by what nodes do (Ainsworth et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from interp.comparison.permutations.apply import permuted_state
from interp.comparison.permutations.groups import Axis, Groups

MOST_ROUNDS = 100
"""Largest number of rounds over all groups."""


def match_weights(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], groups: Groups, rounds: int = MOST_ROUNDS
) -> dict[int, Tensor]:
    """Find the order of the second network's nodes that brings its weights nearest to the first's.

    Groups are matched one after the other with the others held (algorithm 1 of *Git Re-Basin*, Ainsworth et al. 2023).
    In the first round a group is matched by those weights only whose other nodes are matched already, or stay: so a
    copy whose nodes were permuted is found again whatever its depth.

    Parameters
    ----------
    first, second
        State dicts of two networks of one architecture.
    groups
        Groups of their nodes.
    rounds
        Largest number of rounds over all groups; fewer where nothing changes any more.

    Returns
    -------
    dict
        Group -> order of the second network's nodes.
    """
    a = {name: value.double() for name, value in first.items() if value.is_floating_point()}
    b = {name: value.double() for name, value in second.items() if value.is_floating_point()}
    found: dict[int, Tensor] = {}
    waiting = list(groups.sizes)
    while waiting:
        known = {group: _settled(group, groups, found) for group in waiting}
        group = max(waiting, key=lambda one: (len(known[one]) > 0, -waiting.index(one)))
        found[group] = _best(_products(a, permuted_state(b, groups, found), known[group] or _axes(groups, group)))
        waiting.remove(group)
    for _ in range(rounds):
        changed = False
        for group in groups.sizes:
            others = {one: order for one, order in found.items() if one != group}
            order = _best(_products(a, permuted_state(b, groups, others), _axes(groups, group)))
            changed |= not torch.equal(order, found[group])
            found[group] = order
        if not changed:
            break
    return found


def _axes(groups: Groups, group: int) -> list[Axis]:
    return [axis for axis in groups.axes if axis.group == group]


def _settled(group: int, groups: Groups, found: Mapping[int, Tensor]) -> list[Axis]:
    """Give the axes of a group whose parameter has no other axis along a group that is not matched yet."""
    open_names = {axis.name for axis in groups.axes if axis.group != group and axis.group not in found}
    own = [axis for axis in _axes(groups, group) if axis.name not in open_names]
    return [axis for axis in own if not axis.name.endswith(("running_mean", "running_var"))] or own


def _products(a: Mapping[str, Tensor], b: Mapping[str, Tensor], axes: list[Axis]) -> Tensor:
    """Give the products of each node of the first with each node of the second, over all their weights."""
    return sum((_nodes(a[one.name], one) @ _nodes(b[one.name], one).T for one in axes), torch.zeros(1).double())


def _nodes(values: Tensor, axis: Axis) -> Tensor:
    """Give one row a node, with all its weights."""
    moved = values.movedim(axis.axis, 0)
    return moved.reshape(len(moved) // axis.block, -1)


def _best(products: Tensor) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(-products.numpy())[1])


@torch.no_grad()
def match_activity(first: nn.Module, second: nn.Module, groups: Groups, inputs: Tensor) -> dict[int, Tensor]:
    """Find the order of the second network's nodes whose outputs are most correlated with the first's.

    Parameters
    ----------
    first, second
        Networks of one architecture, in eval mode.
    groups
        Groups of their nodes.
    inputs
        Samples as the networks take them.

    Returns
    -------
    dict
        Group -> order of the second network's nodes. The correlations of all maps whose outputs a group has are added.
    """
    ours, theirs = (_outputs(module, groups, inputs) for module in (first, second))
    return {
        group: _best(sum((_correlations(ours[name], theirs[name]) for name in names), torch.zeros(1).double()))
        for group, names in groups.made_by.items()
    }


def _outputs(module: nn.Module, groups: Groups, inputs: Tensor) -> dict[str, Tensor]:
    """Give what the maps of each group put out, one column a node and one row a sample and position."""
    seen: dict[str, Tensor] = {}
    handles = []
    for name in {name for names in groups.made_by.values() for name in names}:

        def keep(_: nn.Module, __: object, output: Tensor, name: str = name) -> None:
            seen[name] = output.movedim(1, -1).reshape(-1, output.shape[1]).double()

        handles.append(module.get_submodule(name).register_forward_hook(keep))
    try:
        module(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _correlations(ours: Tensor, theirs: Tensor) -> Tensor:
    x, y = ((part - part.mean(0)) / part.std(0).clamp_min(1e-12) for part in (ours, theirs))
    return x.T @ y / len(x)
