"""A network as a graph of elementary operations, its parameters among the inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from interp.errors import UsageError


@dataclass(frozen=True)
class Trace:
    """A network's operations on inputs of one shape.

    Attributes
    ----------
    graph
        Elementary operations (ATen), whose placeholders are the parameters and buffers, then the inputs.
    names
        Names of the parameters and buffers, in the order of the placeholders; of shared ones the first name.
    """

    graph: fx.GraphModule
    names: tuple[str, ...]


def refused(found: str) -> UsageError:
    """Give the error for a network whose nodes cannot be put into another order.

    Parameters
    ----------
    found
        Reason why the network cannot be aligned.
    """
    expected = "operations that keep nodes apart, such as linear maps, convolutions, norms, attention and additions"
    return UsageError("alignment", found=found, expected=expected, do="leave alignment out for this network")


def _first_names(module: nn.Module) -> dict[str, str]:
    """Give each module's own parameters and buffers by name -> the first name of the same tensor."""
    first: dict[int, str] = {}
    return {
        name: first.setdefault(id(value), name)
        for path, part in module.named_modules()
        for own, value in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
        for name in [f"{path}.{own}" if path else own]
    }


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Give all parameters and buffers, each once, without their gradients.

    Parameters
    ----------
    module
        Network to read them off.

    Examples
    --------
    >>> list(state_of(nn.Linear(2, 1)))
    ['weight', 'bias']
    """
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: value.detach() for name, value in named.items()}


def shared_names(module: nn.Module) -> dict[str, tuple[str, ...]]:
    """Give the further names of parameters and buffers that a network uses more than once.

    Parameters
    ----------
    module
        Network to read them off.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> shared_names(nn.Sequential(layer, layer))
    {'0.weight': ('1.weight',), '0.bias': ('1.bias',)}
    """
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    by_value: dict[int, list[str]] = {}
    for name, value in named:
        by_value.setdefault(id(value), []).append(name)
    return {names[0]: tuple(names[1:]) for names in by_value.values() if len(names) > 1}


def trace(module: nn.Module, example: Tensor) -> Trace:
    """Record the elementary operations of a network.

    Parameters
    ----------
    module
        Network in eval mode.
    example
        A few samples as the network takes them; the graph holds for inputs of this shape.

    Raises
    ------
    UsageError
        If the network's code hangs on values, or cannot be recorded.

    Examples
    --------
    >>> found = trace(nn.Linear(2, 1), torch.zeros(3, 2))
    >>> [node.name for node in found.graph.graph.nodes if node.op == "call_function"]
    ['t', 'addmm']
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    state, first_names = state_of(module), _first_names(module)

    def run(*values: Tensor) -> Any:
        named = dict(zip(state, values[:-1], strict=True))
        # each module's own once: a name for every path to one module would leave it with the traced values
        own = {name: named[first] for name, first in first_names.items()}
        return torch.func.functional_call(module, own, (values[-1],), tie_weights=False)

    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one fused operation would hide what is within
    try:
        with torch.no_grad():
            pure: Callable[..., Any] = torch.func.functionalize(run, remove="mutations")
            return Trace(make_fx(pure)(*state.values(), example), tuple(state))
    except Exception as error:  # control flow that hangs on values, or code that cannot be recorded
        raise refused(f"code that cannot be followed ({type(error).__name__})") from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
