"""Recording one run of a network: which linear maps it calls, and what it computes from their outputs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

from interp.network.kinds import kind_named, node_kind, node_weight
from interp.network.tracing.calls import Call, Seer, call_of, function_name
from interp.network.tracing.offloaded import has_hooks, name_now
from interp.network.tracing.uses import KEEPS_NODES, MOVES, acts_alone, become, named_activation, tensors_in

OUTPUTS = {"log_softmax": "log-softmax", "softmax": "softmax", "sigmoid": "sigmoid"}
"""Torch functions that turn the last layer's z into probabilities -> name of that form of output."""


class Tapped(NamedTuple):
    """One linear map, as it was seen while the network ran.

    Attributes
    ----------
    name
        Name of the module, or of the weight without ``.weight`` or ``_weight``.
    kind
        Kind of the nodes.
    tap
        Name of the module whose output is z, or of the parameter or buffer in the call whose result is z.
    calls
        Number of calls in the run.
    weight
        Shape of the weight.
    groups
        Number of groups of a convolution; 1 otherwise.
    z
        Output of the linear map, or of the batch norm that follows it: (B, N), (B, T, N), (B, N, H, W), ...
    trail
        Names of the functions that are applied to its nodes, up to those that read them.
    read
        States in which its nodes are read, as `interp.network.tracing.uses` names them; empty where nothing was seen to
        read them.
    """

    name: str
    kind: str
    tap: str
    calls: int
    weight: tuple[int, ...]
    groups: int
    z: Tensor
    trail: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()


class End(NamedTuple):
    """Where a network's one output comes from.

    Attributes
    ----------
    layer
        Layer whose nodes it is a function of.
    state
        State of the output, as `interp.network.tracing.uses` names it; one of `OUTPUTS` where it is made of several
        nodes at once.
    """

    layer: str
    state: str

    @property
    def is_plain(self) -> bool:
        """Whether it is z itself, in another shape, sign or scale."""
        return self.state.removeprefix("~") in ("z", "moved")


class Watch(Seer):
    """Follows the output of each linear map up to the first function that is not applied to each value alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.names = {part: name for name, part in module.named_modules()}
        self.kinds = {name: kind for part, name in self.names.items() if (kind := node_kind(part))}
        held = [*module.named_parameters(), *module.named_buffers()]
        self.marks = {id(tensor): name for name, tensor in held}
        self.loading = module if has_hooks(module) else None
        self.seen: dict[str, Tapped] = {}
        self.carries: dict[int, tuple[str, str]] = {}  # id of a tensor -> layer, and the state of its nodes
        self.followed: set[int] = set()  # ids of tensors of nodes that a function takes whose result carries them on
        self.made_of: dict[int, End] = {}  # id of probabilities that are made of all nodes of a layer
        self.end: End | None = None  # of one output; None where it is no function that is followed here
        self.alive = [tensor for _, tensor in held]  # keeps ids from being used again
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

    def forget(self) -> None:
        """Let go of the values of the run; what was seen of the layers stays."""
        self.seen = {name: seen._replace(z=seen.z.new_empty(0)) for name, seen in self.seen.items()}
        self.alive.clear()

    def _before(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.inside.append(name)

        return hook

    def _after(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self.inside.pop()
            if isinstance(output, Tensor):
                kind, groups = self.kinds[name], int(getattr(part, "groups", 1))
                self._found(name, kind.name, name, node_weight(part, kind), groups, output)

        return hook

    def _after_norm(self, name: str) -> Callable[..., None]:
        """Take the module for the tap where its output is the result of the norm."""

        def hook(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            layer, _ = self.carries.get(id(output), (None, ""))
            if layer and self.seen[layer].tap == f"{name}.running_mean" and self.seen[layer].z is output:
                self.seen[layer] = self.seen[layer]._replace(tap=name)

        return hook

    def _found(self, name: str, kind: str, tap: str, weight: Tensor, groups: int, z: Tensor) -> None:
        before = self.seen.get(name)
        found = Tapped(name, kind, tap, 1 if before is None else before.calls + 1, tuple(weight.shape), groups, z)
        if before is not None and kind_named(kind).each_step:  # what any of the calls' nodes are used for
            found = found._replace(trail=before.trail, read=before.read)
        self.seen[name] = found
        self._carry(z, name, "z")

    def _carry(self, tensor: Tensor, layer: str, state: str) -> None:
        self.carries[id(tensor)] = layer, state
        self.alive.append(tensor)

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function, and note which nodes it computes or uses."""
        given = tensors_in([*args, *kwargs.values()])
        carried = [self.carries[id(tensor)] for tensor in given if id(tensor) in self.carries]
        result = func(*args, **kwargs)
        name = function_name(func)
        made = call_of(name, args, kwargs)
        if made is not None and made.kind != "norm" and not self.inside:
            self._functional(made, result)
        results = tensors_in([result])
        if carried and name == "setitem":
            self._carry(given[0], carried[0][0], "custom")
        elif carried and results:  # a query of the shape does not use the nodes
            alone = all(self._constant(tensor) or self.carries.get(id(tensor)) in carried for tensor in given)
            state = None
            if alone and not self.inside and len({layer for layer, _ in carried}) == 1:
                states = [state for _, state in carried]
                nodes = [tensor for tensor in given if id(tensor) in self.carries]
                tried = partial(acts_alone, func, args, kwargs, nodes)
                state = become(name, named_activation(name, args, kwargs), states, tried)
            self.followed |= {id(tensor) for tensor in given if id(tensor) in self.carries}
            self._follow(name, carried, state, results[0])
            if made is not None and made.kind == "norm" and state == "z":
                self._norm(carried[0][0], made, results[0])
        if results and given:
            self._keep_probabilities(name, given[0], results[0])
        return result

    def _keep_probabilities(self, function: str, given: Tensor, result: Tensor) -> None:
        """Note of which layer's nodes probabilities are made, also in another shape."""
        end = self.made_of.get(id(given)) if function in (*KEEPS_NODES, *MOVES) else None
        if function in OUTPUTS and id(given) in self.carries and id(result) not in self.carries:
            end = End(self.carries[id(given)][0], OUTPUTS[function])
        if end is not None:
            self.made_of[id(result)] = end
            self.alive.append(result)

    def _constant(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is a parameter, a buffer or a single number, and holds no nodes."""
        return id(tensor) not in self.carries and (self._mark(tensor) is not None or tensor.numel() == 1)

    def _mark(self, tensor: Any) -> str | None:
        """Name the parameter or buffer that a tensor is; one that was loaded for this pass is known while it lasts."""
        mark = self.marks.get(id(tensor))
        if mark is not None or self.loading is None or not isinstance(tensor, Tensor):
            return mark
        return name_now(self.loading, tensor)

    def _functional(self, made: Call, result: Tensor) -> None:
        """Note a linear map that is called as a function, if its weight is a parameter of the network."""
        mark = self._mark(made.key)
        if mark is not None:
            name = mark.removesuffix(".weight").removesuffix("_weight")
            self.biases.add(self._mark(made.arguments.get("bias")) or "")
            self._found(name, made.kind, mark, made.key, int(made.arguments.get("groups", 1)), result)

    def _norm(self, layer: str, made: Call, result: Tensor) -> None:
        """Take the output of a batch norm that follows at once for z; after a pooling it would have other positions."""
        seen, mark = self.seen[layer], self._mark(made.key)
        if mark is not None and not seen.trail and seen.z.shape == result.shape and made.arguments["input"] is seen.z:
            self.carries.pop(id(seen.z))  # other readers of this tensor read no node
            self.seen[layer] = seen._replace(tap=mark, z=result)

    def _follow(self, function: str, carried: list[tuple[str, str]], state: str | None, result: Tensor) -> None:
        """Follow the result of a function of nodes, or note that the function reads them."""
        for layer, before in carried:
            seen = self.seen[layer]
            trail = seen.trail if function in KEEPS_NODES else (*seen.trail, function)
            left = before.removeprefix("~") if function in OUTPUTS else before
            read = seen.read if state is not None else seen.read | {left}
            self.seen[layer] = seen._replace(trail=trail, read=read)
        if self.carries.get(id(result)) in carried:  # changed in place
            del self.carries[id(result)]
        if state is not None:
            self._carry(result, carried[0][0], state)
            self.followed.discard(id(result))  # changed in place

    def left(self, layer: str) -> frozenset[str]:
        """Give the states of a layer's nodes that no function takes: of nodes that nothing reads, what is made of them.

        Parameters
        ----------
        layer
            Name of the layer.
        """
        return frozenset(
            state for tensor, (of, state) in self.carries.items() if of == layer and tensor not in self.followed
        )

    def give(self, outputs: Any) -> None:
        """Note that the network's outputs read nodes; their sign and scale are no part of the activation."""
        given = tensors_in([outputs])
        for tensor in given:
            if id(tensor) in self.carries:
                layer, state = self.carries[id(tensor)]
                self.seen[layer] = self.seen[layer]._replace(read=self.seen[layer].read | {state.removeprefix("~")})
        if len(given) == 1 and id(given[0]) in self.carries:
            self.end = End(*self.carries[id(given[0])])
        elif len(given) == 1:
            self.end = self.made_of.get(id(given[0]))
