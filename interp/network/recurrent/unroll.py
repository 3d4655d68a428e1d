"""Which parts of a network are recurrent, and the unrolled ones that take their places on a copy of it."""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import nn

from interp.network.recurrent.layers import Unrolled, UnrolledCell
from interp.network.tracing.offloaded import settle

FUSED: dict[type[nn.Module], Callable[..., nn.Module]] = {
    nn.RNN: Unrolled,
    nn.LSTM: Unrolled,
    nn.GRU: Unrolled,
    nn.RNNCell: UnrolledCell,
    nn.LSTMCell: UnrolledCell,
    nn.GRUCell: UnrolledCell,
}
"""Class of torch's -> what runs in its place."""

HOOKS = ("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs")


def is_recurrent(module: nn.Module) -> bool:
    """Tell whether a network has parts that `unrolled` replaces.

    Examples
    --------
    >>> is_recurrent(nn.Sequential(nn.LSTM(2, 3))), is_recurrent(nn.Linear(2, 3))
    (True, False)
    """
    return any(_unroller(part) is not None for part in module.modules())


def unrolled(module: nn.Module) -> nn.Module:
    """Copy a network with its recurrent layers run a time step at a time.

    Parameters
    ----------
    module
        Network, which is left as it is.

    Returns
    -------
    Module
        Copy that gives the same outputs in eval mode, to rounding; the very same module where nothing is recurrent.

    Examples
    --------
    >>> [name for name, part in unrolled(nn.Sequential(nn.RNN(2, 3))).named_modules() if not any(part.children())]
    ['0.l0.hidden']
    """
    if not is_recurrent(module):
        return module
    whole = nn.ModuleDict({"network": copy.deepcopy(module)})
    made: dict[nn.Module, nn.Module] = {}  # a part in two places stays one
    for parent in list(whole.modules()):
        for name, part in list(parent.named_children()):
            if part not in made and (unroll := _unroller(part)) is not None:
                settle(whole["network"], part)  # its weights are cut into those of gates, which are held
                made[part] = _like(unroll(part), part)
            if part in made:
                setattr(parent, name, made[part]) if parent is not whole else whole.update({name: made[part]})
    return whole["network"]


def _unroller(part: nn.Module) -> Callable[..., nn.Module] | None:
    """Find what runs in a module's place; None for a class of the user's with a forward of its own."""
    return next((FUSED[kind] for kind in FUSED if isinstance(part, kind) and type(part).forward is kind.forward), None)


def _like(made: nn.Module, part: nn.Module) -> nn.Module:
    """Take over mode, gradients and hooks."""
    for name in HOOKS:
        vars(made)[name] = vars(part)[name]
    trains = any(parameter.requires_grad for parameter in part.parameters())
    return made.train(part.training).requires_grad_(trains)
