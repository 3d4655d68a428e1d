"""One step of gradient descent for a whole stack of networks.

The first linear layer holds nearly all of the work, and its gradient is two matrix products: done by
hand, batched over models, added straight onto the momentum. The rest goes through autograd.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn import functional

from zoo.training.products import project
from zoo.training.stacks import Stack

TINY = 1e-30


def add_gradient(stack: Stack, x: Tensor, y: Tensor, *, total: int, decay: float, split: bool = False) -> Tensor:
    """Set every velocity to ``decay * velocity + gradient`` of the mean cross-entropy.

    Parameters
    ----------
    stack
        M models, whose velocities are changed in place.
    x
        Scaled inputs: each model's own, (M, B, ...), or shared by all models, (B, ...).
    y
        Labels, (M, B) or (B,).
    total
        Number of samples in the mean; more than B where `x` is one part of a full batch.
    decay
        Momentum; 1 for the parts of a full batch after the first.
    split
        Whether products may use bfloat16 halves, see `zoo.training.products`; for shared inputs only.

    Returns
    -------
    Tensor
        Summed cross-entropy of these samples over `total`, in nats, (M,).
    """
    shared = y.dim() == 1
    if stack.first is None:
        return _add_tail(stack, x, y, total, decay, model_axis=None if shared else 0)[0]
    weight, bias = stack.params[f"{stack.first}.weight"], stack.params[f"{stack.first}.bias"]
    if shared:  # z is (M, B, N)
        z = project(x, weight.flatten(0, 1), bias.flatten(), split).view(-1, *bias.shape).transpose(0, 1)
    else:
        z = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
    losses, slope = _add_tail(stack, z.requires_grad_(), y, total, decay, model_axis=0)
    assert slope is not None
    speed = stack.velocity[f"{stack.first}.weight"]
    if shared:
        speed.view(-1, speed.shape[2]).addmm_(slope.transpose(0, 1).flatten(1).T, x, beta=decay)
    else:
        speed.baddbmm_(slope.mT, x, beta=decay)
    stack.velocity[f"{stack.first}.bias"].mul_(decay).add_(slope.sum(dim=1))
    return losses


def descend(stack: Stack, lr: float) -> None:
    """Move every parameter by ``-lr * velocity``.

    Parameters
    ----------
    stack
        M models, changed in place.
    lr
        Learning rate.
    """
    for name, value in stack.params.items():
        value.add_(stack.velocity[name], alpha=-lr)


def outputs(stack: Stack, params: dict[str, Tensor], values: Tensor, model_axis: int | None) -> Tensor:
    """Run the tail of every model.

    Parameters
    ----------
    stack
        M models, for their structure and buffers.
    params
        Parameters of the tails by name, each (M, ...).
    values
        Inputs of the tails: (M, B, ...), or (B, ...) shared by all models.
    model_axis
        Axis of the models in `values`: 0, or None where they are shared.

    Returns
    -------
    Tensor
        Logits, (M, B, C).
    """
    state = {**params, **stack.buffers}

    def run(one: dict[str, Tensor], of: Tensor) -> Tensor:
        result: Tensor = functional_call(stack.tail, one, (of,))
        return result

    if len(stack) == 1:  # vmap turns convolutions into grouped ones, several times slower
        one = {name: value[0] for name, value in state.items()}
        return run(one, values if model_axis is None else values[0]).unsqueeze(0)
    return vmap(run, in_dims=(0, model_axis))(state, values)


def tail_params(stack: Stack) -> dict[str, Tensor]:
    """Pick the parameters behind the first layer.

    Parameters
    ----------
    stack
        Stack of M models.

    Returns
    -------
    dict
        Parameters by name, each (M, ...).
    """
    prefix = f"{stack.first}."
    return {name: value for name, value in stack.params.items() if stack.first is None or not name.startswith(prefix)}


def _add_tail(
    stack: Stack, values: Tensor, y: Tensor, total: int, decay: float, model_axis: int | None
) -> tuple[Tensor, Tensor | None]:
    leaves = {name: value.detach().requires_grad_() for name, value in tail_params(stack).items()}
    logits = outputs(stack, leaves, values, model_axis)
    losses, upstream = cross_entropy(logits.detach(), y.expand(logits.shape[:2]), total)
    wanted = [*leaves.values(), *([values] if values.requires_grad else [])]
    slopes = torch.autograd.grad(logits, wanted, upstream)
    for name, slope in zip(leaves, slopes, strict=False):
        stack.velocity[name].mul_(decay).add_(slope)
    return losses, slopes[-1] if values.requires_grad else None


def cross_entropy(logits: Tensor, labels: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """Compute the summed cross-entropy over `total`, and its gradient.

    Confident networks on raw pixels get probabilities of 1e-40; products of such subnormal numbers
    are ten times slower on CPUs, so that gradients below 1e-30 become 0.

    Parameters
    ----------
    logits
        Logits, (M, B, C).
    labels
        Labels, (M, B).
    total
        Number of samples in the mean.

    Returns
    -------
    Tensor, Tensor
        Summed cross-entropy over `total` in nats, (M,), and its gradient by the logits, (M, B, C).

    Examples
    --------
    >>> loss, slope = cross_entropy(torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.long), total=1)
    >>> round(loss.item(), 4), slope.flatten().tolist()
    (0.6931, [-0.5, 0.5])
    """
    logs = torch.log_softmax(logits, dim=2)
    losses = -logs.gather(2, labels.unsqueeze(2)).sum(dim=(1, 2)) / total
    slope = logs.exp_()
    slope.scatter_add_(2, labels.unsqueeze(2), slope.new_full((1, 1, 1), -1.0).expand(*labels.shape, 1))
    return losses, functional.hardshrink(slope.div_(total), TINY)
