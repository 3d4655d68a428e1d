"""Everything of a module and of the generators that running it might change, to be compared."""

import random

import numpy as np
import torch


def state_of(module):
    """Give what an analysis may not change."""
    parts = dict(module.named_modules())
    return {
        "training": {name: part.training for name, part in parts.items()},
        "hooks": {
            name: [list(hooks) for key, hooks in vars(part).items() if "hooks" in key and hooks is not None]
            for name, part in parts.items()
        },
        "tensors": {
            name: (id(one), one.detach().clone().nan_to_num(-1), one.requires_grad, one.device)
            for name, one in (*module.named_parameters(), *module.named_buffers())
        },
        "grads": {
            name: None if one.grad is None else (id(one.grad), one.grad.clone())
            for name, one in module.named_parameters()
        },
        "attributes": {name: {key: id(value) for key, value in vars(part).items()} for name, part in parts.items()},
        "random": (torch.get_rng_state(), str(np.random.get_state()), hash(random.getstate())),  # noqa: NPY002
    }


def same(before, after):
    """Compare nested states, whose tensors are equal in every bit."""
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(same(value, after[key]) for key, value in before.items())
    if isinstance(before, tuple) and isinstance(after, tuple):
        return len(before) == len(after) and all(map(same, before, after))
    return torch.equal(before, after) if isinstance(before, torch.Tensor) else before == after
