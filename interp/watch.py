"""Watching one run of a network: which linear maps are called, and what is done to their outputs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

from torch import Tensor, nn

from interp.activations import activation_name
from interp.calls import Call, Seer, call_of, function_name

NODE_KINDS: dict[str, str] = {
    "torch.nn.modules.linear.Linear": "linear",
    "torch.nn.modules.conv.Conv1d": "conv1d",
    "torch.nn.modules.conv.Conv2d": "conv2d",
    "torch.nn.modules.conv.Conv3d": "conv3d",
    "torch.nn.modules.conv.ConvTranspose1d": "conv-transpose1d",
    "torch.nn.modules.conv.ConvTranspose2d": "conv-transpose2d",
    "torch.nn.modules.conv.ConvTranspose3d": "conv-transpose3d",
    "zoo.layers.OffsetL2": "offset-l2",
}
"""Qualified class name -> kind. Add your own: weight (N, D, ...) and one output channel a node."""

KEEPS_NODES = {
    "adaptive_avg_pool2d", "avg_pool2d", "batch_norm", "contiguous", "dropout", "flatten", "identity",
    "max_pool2d", "max_pool2d_with_indices", "reshape", "squeeze", "unsqueeze", "view",
}  # fmt: skip
"""Torch functions after which an activation still acts on the same nodes."""

OUTPUTS = {"log_softmax": "log-softmax", "softmax": "softmax", "sigmoid": "sigmoid"}
"""Torch functions on the last layer that make scores of z without changing what it measures."""


class Tapped(NamedTuple):
    """What was seen of one linear map while the network ran.

    Attributes
    ----------
    name
        Of the module, or of the parameter less ``.weight`` or ``_weight``.
    tap
        Module whose output is z, or the parameter or buffer that marks the call whose result is z.
    z
        That output, (B, N), (B, T, N), (B, N, H, W), ...
    calls
        How often it ran.
    trail
        Functions applied to its nodes.
    shapes
        Of the weight, and of z.
    """

    name: str
    kind: str
    tap: str
    calls: int
    weight: tuple[int, ...]
    groups: int
    z: Tensor
    trail: tuple[str, ...] = ()


def node_kind(module: nn.Module) -> str | None:
    """Name the kind of a module's nodes, subclasses included; None if it has none."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(module).__mro__)
    return next((NODE_KINDS[name] for name in names if name in NODE_KINDS), None)


def node_weight(module: nn.Module, kind: str) -> Tensor:
    """Give the tensor that holds nodes: weights, or the centres of a distance layer."""
    weight = module.mu if kind == "offset-l2" else module.weight
    assert isinstance(weight, Tensor)
    return weight.detach()


class Watch(Seer):
    """Follows each linear map's output until an activation, or anything else, uses it."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.names = {part: name for name, part in module.named_modules()}
        self.kinds = {name: kind for part, name in self.names.items() if (kind := node_kind(part))}
        self.marks = {id(tensor): name for name, tensor in [*module.named_parameters(), *module.named_buffers()]}
        self.seen: dict[str, Tapped] = {}
        self.carries: dict[int, str] = {}  # id of a tensor -> the layer whose nodes it carries
        self.alive: list[Tensor] = []  # keeps ids from being used again
        self.biases: set[str] = set()  # of linear maps called as functions
        self.inside: list[str] = []  # linear modules that are running
        self._hooks = ExitStack()

    def __enter__(self) -> Watch:
        for part, name in self.names.items():
            if name in self.kinds:
                self._hooks.callback(part.register_forward_pre_hook(self._before(name)).remove)
                self._hooks.callback(part.register_forward_hook(self._after(name)).remove)
            elif any(True for _ in part.buffers(recurse=False)):
                self._hooks.callback(part.register_forward_hook(self._after_norm(name)).remove)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        self._hooks.close()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def _before(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.inside.append(name)

        return hook

    def _after(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self.inside.pop()
            if isinstance(output, Tensor):
                groups = int(getattr(part, "groups", 1))
                self._found(name, self.kinds[name], name, node_weight(part, self.kinds[name]), groups, output)

        return hook

    def _after_norm(self, name: str) -> Callable[..., None]:
        """Name the module where its output is the norm's very result."""

        def hook(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            layer = self.carries.get(id(output))
            if layer and self.seen[layer].tap == f"{name}.running_mean" and self.seen[layer].z is output:
                self.seen[layer] = self.seen[layer]._replace(tap=name)

        return hook

    def _found(self, name: str, kind: str, tap: str, weight: Tensor, groups: int, z: Tensor) -> None:
        calls = self.seen[name].calls + 1 if name in self.seen else 1
        self.seen[name] = Tapped(name, kind, tap, calls, tuple(weight.shape), groups, z)
        self._carry(z, name)

    def _carry(self, tensor: Tensor, layer: str) -> None:
        self.carries[id(tensor)] = layer
        self.alive.append(tensor)

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function and note whose nodes it computes or uses."""
        layer = next((layer for value in args if (layer := self.carries.get(id(value)))), None)
        result = func(*args, **kwargs)
        name = function_name(func)
        made = call_of(name, args, kwargs)
        if made is not None and made.kind != "norm" and not self.inside:
            self._functional(made, result)
        if layer is not None and isinstance(result, Tensor):  # shape queries are no use of the nodes
            if made is not None and made.kind == "norm":
                self._norm(layer, made, result)
            self._follow(layer, name, result)
        return result

    def _functional(self, made: Call, result: Tensor) -> None:
        """Note a linear map that no module of its own computes, if its weight is a parameter as it stands."""
        mark = self.marks.get(id(made.key))
        if mark is not None:
            name = mark.removesuffix(".weight").removesuffix("_weight")
            self.biases.add(self.marks.get(id(made.arguments.get("bias")), ""))
            self._found(name, made.kind, mark, made.key, int(made.arguments.get("groups", 1)), result)

    def _norm(self, layer: str, made: Call, result: Tensor) -> None:
        """Take z after a batch-norm that follows at once; after pooling it would lie at other positions."""
        seen, mark = self.seen[layer], self.marks.get(id(made.key))
        if mark is not None and not seen.trail and seen.z.shape == result.shape and made.arguments["input"] is seen.z:
            self.seen[layer] = seen._replace(tap=mark, z=result)

    def _follow(self, layer: str, function: str, result: Tensor) -> None:
        if function not in KEEPS_NODES:
            self.seen[layer] = self.seen[layer]._replace(trail=(*self.seen[layer].trail, function))
        if function in KEEPS_NODES or function == "neg" or function in OUTPUTS or activation_name(function):
            self._carry(result, layer)
