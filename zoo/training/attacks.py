"""Adversarial training: every step is taken on inputs that projected gradient descent has made worse.

The attack is that of `captum.robust.PGD` (largest norm, no random start; Madry et al., arXiv 1706.06083),
for all models of a stack at once.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from zoo.recipes import Attack
from zoo.training.stacks import Stack
from zoo.training.steps import cross_entropy, outputs, tail_params

FLAT = 1e-6  # slopes up to here move nothing, as in Captum


def attacked(stack: Stack, x: Tensor, y: Tensor, attack: Attack, bounds: tuple[float, float]) -> Tensor:
    """Move every input to where its own model's loss is higher, within a box around it.

    Parameters
    ----------
    stack
        M models; left as they are, running statistics of norms too.
    x
        Scaled inputs, (M, B, ...).
    y
        Labels, (M, B).
    attack
        Radius, number of steps and their length.
    bounds
        Least and largest value that an input may take.

    Returns
    -------
    Tensor
        Changed inputs, (M, B, ...).
    """
    frozen = replace(stack, buffers={name: value.clone() for name, value in stack.buffers.items()})
    low, high = (x - attack.radius).clamp_(min=bounds[0]), (x + attack.radius).clamp_(max=bounds[1])
    moved = x
    for _ in range(attack.steps):
        slope = input_slope(frozen, moved, y)
        uphill = slope.sign() * (slope.abs() > FLAT)
        moved = torch.clamp(moved + attack.step * uphill, low, high)
    return moved


def input_slope(stack: Stack, x: Tensor, y: Tensor) -> Tensor:
    """Differentiate each sample's own cross-entropy by its inputs.

    Parameters
    ----------
    stack
        Stack of M models.
    x
        Scaled inputs, (M, B, ...).
    y
        Labels, (M, B).

    Returns
    -------
    Tensor
        Gradients, (M, B, ...).
    """
    if stack.first is None:
        return _tail_slope(stack, x, y)
    weight, bias = stack.params[f"{stack.first}.weight"], stack.params[f"{stack.first}.bias"]
    z = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
    return torch.bmm(_tail_slope(stack, z, y), weight)


def _tail_slope(stack: Stack, values: Tensor, y: Tensor) -> Tensor:
    values = values.detach().requires_grad_()
    logits = outputs(stack, tail_params(stack), values, model_axis=0)
    _, upstream = cross_entropy(logits.detach(), y, total=1)
    return torch.autograd.grad(logits, values, upstream)[0]
