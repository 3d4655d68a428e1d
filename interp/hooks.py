"""Context managers that tap and edit the tensors of a network; hooks are always removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from interp.activations import activation_name
from interp.nodes import KEEPS_NODES
from interp.types import NodeLayer

Change = Callable[[Tensor], Tensor]

WITHOUT_OUTPUT = ("identity", "custom")
"""Activations after which nothing can be recognised as the layer's output: z stands for it."""


@contextmanager
def tap(module: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of named modules while the network runs.

    Yields
    ------
    dict
        Module name -> its latest output, copied, since an in-place activation may overwrite it.
    """
    values: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for name in names:

            def keep(part: nn.Module, inputs: Any, output: Tensor, name: str = name) -> None:
                values[name] = output.detach().clone()

            stack.callback(module.get_submodule(name).register_forward_hook(keep).remove)
        yield values


class _ReachedError(Exception):
    """Carries what a module was about to read out of a run that need not go on."""

    def __init__(self, value: Tensor) -> None:
        self.value = value


def input_of(module: nn.Module, name: str, inputs: Tensor) -> Tensor:
    """Run the network up to a named module and give what it reads."""

    def stop(part: nn.Module, read: tuple[Tensor, ...]) -> None:
        raise _ReachedError(read[0].detach())

    handle = module.get_submodule(name).register_forward_pre_hook(stop)
    try:
        module(inputs)
    except _ReachedError as reached:
        return reached.value
    finally:
        handle.remove()
    raise AssertionError(f"{name} was not called")


@contextmanager
def edit(
    module: nn.Module, layer: NodeLayer, before: Change | None = None, after: Change | None = None
) -> Iterator[None]:
    """Replace a layer's values while the network runs.

    Parameters
    ----------
    before
        z -> new z, at the linear map's (or its norm's) output.
    after
        Activation output -> new output. A layer without activation, or with one of the network's own making,
        is changed at z.
    """
    mode = _AfterActivation(after) if after is not None and layer.activation not in WITHOUT_OUTPUT else None

    def hook(part: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        changed = output if before is None else before(output)
        if mode is not None:
            mode.target = changed
        elif after is not None:
            changed = after(changed)
        return changed

    with ExitStack() as stack:
        stack.callback(module.get_submodule(layer.tap).register_forward_hook(hook).remove)
        if mode is not None:
            stack.enter_context(mode)
        yield


class _AfterActivation(TorchFunctionMode):
    """Changes the result of the first activation that is applied to `target`."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change
        self.target: Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        is_target = self.target is not None and bool(args) and args[0] is self.target
        result = func(*args, **(kwargs or {}))
        if not is_target:
            return result
        name = getattr(func, "__name__", "").strip("_")
        if activation_name(name) is not None:
            self.target = None
            return self.change(result)
        if name in KEEPS_NODES:
            self.target = result
        return result
