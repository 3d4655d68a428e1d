"""Groups of nodes that must be permuted together, read from a network's graph.

The outputs of every linear map are a group. What is added to each other (residuals) has one order, so that its groups
are one; what follows a map without mixing nodes (activations, norms, pooling) keeps it. Inputs and outputs of the
network stay as they are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from interp.errors import UsageError
from interp.network.activations import ACTIVATIONS, SEEN_ONLY, activation_name

FIXED = -1
"""Group of what must not be permuted: inputs and outputs of the network."""


@dataclass(frozen=True)
class Axis:
    """One axis of a parameter or buffer, and the nodes that lie along it.

    Attributes
    ----------
    name
        Name of the parameter or buffer, as in the state dict.
    axis
        Number of the axis.
    group
        Number of the group of nodes along it; `FIXED` where they stay.
    block
        Number of neighbouring entries that belong to one node: positions that were flattened into values.
    """

    name: str
    axis: int
    group: int
    block: int = 1


@dataclass(frozen=True)
class Groups:
    """Groups of nodes of a network that can be permuted.

    Attributes
    ----------
    axes
        Axes of the parameters and buffers, in network order.
    sizes
        Group -> number of its nodes.
    made_by
        Group -> names of the modules whose outputs (channels on axis 1) are its nodes.
    """

    axes: tuple[Axis, ...]
    sizes: Mapping[int, int]
    made_by: Mapping[int, tuple[str, ...]]


KEEPS = (
    *(nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.ELU, nn.Softplus, nn.Tanh, nn.Sigmoid, nn.ReLU6, nn.Hardtanh),
    *(nn.Hardswish, nn.SELU, nn.CELU, nn.Mish, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.ZeroPad2d),
)
"""Modules that keep the nodes apart and in their order."""

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)

POOLS: Sequence[Callable[..., Any]] = (
    *(F.max_pool1d, F.max_pool2d, F.avg_pool1d, F.avg_pool2d, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d),
    F.adaptive_max_pool2d,
)
KEEPING_FUNCTIONS: Sequence[Callable[..., Any]] = [
    *POOLS,
    *(F.dropout, torch.abs, operator.neg, torch.neg),
    *ACTIVATIONS.values(),
    *SEEN_ONLY.values(),
]
ADDITIONS: tuple[Callable[..., Any], ...] = (operator.add, operator.iadd, torch.add)
FLATTENINGS = ("flatten", "view", "reshape")


def find_groups(module: nn.Module, example: Tensor) -> Groups:
    """Read the groups of nodes from a network's graph.

    Parameters
    ----------
    module
        Network of linear maps, convolutions, batch norms, activations, pooling, flattening and additions.
    example
        A few samples as the network takes them.

    Returns
    -------
    Groups
        Axes of the parameters, and the groups of nodes along them.

    Raises
    ------
    UsageError
        If the graph cannot be followed, or holds an operation that may mix nodes.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> found = find_groups(network, torch.zeros(1, 4))
    >>> [(axis.name, axis.axis, axis.group) for axis in found.axes]
    [('0.weight', 0, 0), ('0.bias', 0, 0), ('2.weight', 1, 0)]
    """
    try:
        graph = fx.symbolic_trace(module)
        _shapes(graph, example)
    except Exception as error:  # control flow that hangs on values, or code that fx cannot follow
        raise _refused(f"code that cannot be followed ({type(error).__name__})") from error
    follow = _Follow(graph)
    for node in graph.graph.nodes:
        follow.step(node)
    return follow.groups()


def _refused(found: str) -> UsageError:
    expected = "linear maps, convolutions, batch norms, activations, pooling, flattening and additions"
    return UsageError("alignment", found=found, expected=expected, do="leave alignment out for this network")


def _shapes(graph: fx.GraphModule, example: Tensor) -> None:
    from torch.fx.passes.shape_prop import ShapeProp

    with torch.no_grad():
        ShapeProp(graph).propagate(example)


class _Follow:
    """Groups of the values of a graph, node by node; groups that are added to each other become one."""

    def __init__(self, graph: fx.GraphModule) -> None:
        self.modules = dict(graph.named_modules())
        self.of: dict[fx.Node, tuple[int, int]] = {}
        self.parent: list[int] = []
        self.sizes: list[int] = []
        self.made_by: list[list[str]] = []
        self.fixed: set[int] = set()
        self.axes: list[Axis] = []

    def new(self, size: int, made_by: str = "") -> int:
        """Begin a group."""
        self.parent.append(len(self.parent))
        self.sizes.append(size)
        self.made_by.append([made_by] if made_by else [])
        return len(self.parent) - 1

    def root(self, group: int) -> int:
        """Give the group that a group has become part of."""
        while self.parent[group] != group:
            group = self.parent[group]
        return group

    def join(self, first: int, second: int) -> int:
        """Make two groups one."""
        a, b = sorted((self.root(first), self.root(second)))
        if a != b:
            if self.sizes[a] != self.sizes[b]:
                raise _refused("an addition of different numbers of nodes")
            self.parent[b] = a
        return a

    def step(self, node: fx.Node) -> None:
        """Follow one operation."""
        if node.op == "placeholder":
            group = self.new(_shape(node)[1])
            self.fixed.add(group)
            self.of[node] = group, 1
        elif node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise _refused("several outputs")
            self.fixed.add(self.of[node.args[0]][0])
        elif node.op == "call_module":
            self.of[node] = self._module(node, self.modules[str(node.target)])
        elif node.op in ("call_function", "call_method"):
            self.of[node] = self._function(node)
        else:
            raise _refused(f"a parameter used by itself ({node.target})")

    def _module(self, node: fx.Node, module: nn.Module) -> tuple[int, int]:
        if _first(node) not in self.of:
            raise _refused(f"a value of unknown order at {node.target}")
        name, (group, block) = str(node.target), self.of[_first(node)]
        if isinstance(module, nn.Linear) and len(_shape(_first(node))) == 2:
            self.axes.append(Axis(f"{name}.weight", 1, group, block))
            return self._made(name, module, module.out_features, "weight"), 1
        if isinstance(module, CONVOLUTIONS) and block == 1:
            return self._convolution(name, module, group), 1
        if isinstance(module, NORMS) and block == 1:
            parts = ("weight", "bias", "running_mean", "running_var")
            self.axes += [Axis(f"{name}.{part}", 0, group) for part in parts if getattr(module, part) is not None]
            return group, 1
        if isinstance(module, nn.Flatten):
            return self._flattened(node, group, block)
        if isinstance(module, KEEPS):
            return group, block
        raise _refused(f"{type(module).__name__} ({name})")

    def _convolution(self, name: str, module: Any, group: int) -> int:
        if module.groups == 1:
            self.axes.append(Axis(f"{name}.weight", 1, group))
            return self._made(name, module, module.out_channels, "weight")
        if module.groups != module.in_channels or module.out_channels != module.in_channels:
            raise _refused(f"a convolution in groups ({name})")
        self.axes.append(Axis(f"{name}.weight", 0, group))
        if module.bias is not None:
            self.axes.append(Axis(f"{name}.bias", 0, group))
        return group

    def _made(self, name: str, module: Any, size: int, weight: str) -> int:
        group = self.new(size, name)
        self.axes.append(Axis(f"{name}.{weight}", 0, group))
        if module.bias is not None:
            self.axes.append(Axis(f"{name}.bias", 0, group))
        return group

    def _flattened(self, node: fx.Node, group: int, block: int) -> tuple[int, int]:
        before, after = _shape(_first(node)), _shape(node)
        if len(after) != 2 or before[0] != after[0]:
            raise _refused(f"a change of shape from {tuple(before)} to {tuple(after)}")
        return group, block * (after[1] // before[1])

    def _function(self, node: fx.Node) -> tuple[int, int]:
        given = [self.of[one] for one in node.args if isinstance(one, fx.Node) and one in self.of]
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        if node.target in ADDITIONS or name in ("add", "add_"):
            if len(given) == 2 and given[0][1] == given[1][1]:
                return self.join(given[0][0], given[1][0]), given[0][1]
            if len(given) == 1 and len([one for one in node.args if isinstance(one, fx.Node)]) == 1:
                return given[0]
        elif name in FLATTENINGS and given:
            return self._flattened(node, *given[0])
        elif name == "mean" and given and len(_shape(_first(node))) == 4 and len(_shape(node)) in (2, 4):
            return given[0]
        elif name in ("size", "getattr", "getitem", "dim"):
            return given[0] if given else (FIXED, 1)
        elif (node.target in KEEPING_FUNCTIONS or activation_name(name) is not None) and given:
            return given[0]
        raise _refused(f"the operation {name}")

    def groups(self) -> Groups:
        """Give the groups as they are at the end, those that must stay left out."""
        fixed = {self.root(group) for group in self.fixed}
        roots = list(dict.fromkeys(self.root(axis.group) for axis in self.axes))
        numbers = {root: number for number, root in enumerate(root for root in roots if root not in fixed)}
        made: dict[int, list[str]] = {number: [] for number in numbers.values()}
        for group, names in enumerate(self.made_by):
            if self.root(group) in numbers:
                made[numbers[self.root(group)]] += names
        axes = [Axis(one.name, one.axis, numbers.get(self.root(one.group), FIXED), one.block) for one in self.axes]
        return Groups(
            tuple(axis for axis in axes if axis.group != FIXED),
            {number: self.sizes[root] for root, number in numbers.items()},
            {number: tuple(names) for number, names in made.items()},
        )


def _first(node: fx.Node) -> fx.Node:
    found = node.args[0] if node.args else None
    if not isinstance(found, fx.Node):
        raise _refused(f"{node.target} without a value")
    return found


def _shape(node: fx.Node) -> tuple[int, ...]:
    found = node.meta.get("tensor_meta")
    if found is None or not hasattr(found, "shape"):
        raise _refused(f"{node.target}, which gives no tensor")
    return tuple(found.shape)
