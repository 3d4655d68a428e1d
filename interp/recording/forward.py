"""Forward passes in bfloat16, and how far from float32 they lead.

Products (linear maps, convolutions, attention) are rounded to bfloat16, as `torch.autocast` chooses them; weights stay
as they are, and norms and softmax in float32. A cast of the whole module would round running means and position tables
too, and need a copy of a network that may be the user's own; it is no quicker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from interp.errors import InterpError, UsageError
from interp.network.inputs import as_tensor, device_of
from interp.recording.gather import rows_of_block
from interp.recording.predictions import classes_of
from interp.safety import problem
from interp.store.precision.forward import ForwardSums
from interp.types import Array, LoadedModel, Split

COMPARED = 32
"""Number of samples of a split that are run in float32 too; of several processes, of the part of each."""


def computed_as(dtype: str, module: nn.Module) -> AbstractContextManager[object]:
    """Give a context in which a network's products are of a type.

    Parameters
    ----------
    dtype
        Name of the type: ``float32`` or ``bfloat16``.
    module
        Network that is going to run.
    """
    if dtype == "float32":
        return nullcontext()
    return torch.autocast(device_of(module).type, getattr(torch, dtype), cache_enabled=False)


def check_runs(model: LoadedModel, example: Tensor, dtype: str) -> None:
    """Refuse a type that a network does not run in.

    Parameters
    ----------
    model
        Network that is going to run.
    example
        Scaled inputs (B, ...).
    dtype
        Name of the type.

    Raises
    ------
    UsageError
        If a run ends in an error.
    """
    try:
        with computed_as(dtype, model.module):
            model.module(example)
    except InterpError:
        raise
    except Exception as error:  # the user's code fails in its own way
        found, expected = f"{dtype}, in which the network fails: {problem(error)}", "a type that it runs in"
        raise UsageError("--forward-dtype", found=found, expected=expected, do="leave it out for float32") from error


@torch.no_grad()
def compared(
    model: LoadedModel,
    split: Split,
    part: tuple[int, int],
    places: Mapping[str, Array],
    dtype: str,
    seed: int,
    size: int,
    to_end: bool = True,
) -> ForwardSums:
    """Run some samples, drawn at random, in float32 and in another type, and sum up how far these are apart.

    Parameters
    ----------
    model
        Network with its layers.
    split
        Split of the data set.
    part
        Index of the first sample that may be drawn, and of the one behind the last.
    places
        Layer name -> positions of each sample of the split that are looked at.
    dtype
        Name of the other type.
    seed
        Seed of the random number generator.
    size
        Number of samples that are run at once.
    to_end
        Whether outputs are compared too; else the network is not run to its end.
    """
    found = ForwardSums.none({layer.name: layer.nodes for layer in model.layers})
    for rows in _drawn(part, seed, size):
        x = as_tensor(split.inputs[rows], model.scaling, model.input_shape).to(device_of(model.module))
        chosen = {name: own[rows] for name, own in places.items()}
        exact, other = (_run(model, x, chosen, kind, to_end) for kind in ("float32", dtype))
        found = found.with_block(exact, other)
    return found


def _drawn(part: tuple[int, int], seed: int, size: int) -> Iterator[Array]:
    """Yield the indices of samples to compare, some at a time, in order."""
    first, last = part
    rng = np.random.default_rng([seed, first])
    rows = np.sort(rng.choice(last - first, min(COMPARED, last - first), replace=False)) + first
    yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _run(
    model: LoadedModel, x: Tensor, places: Mapping[str, Array], dtype: str, to_end: bool
) -> tuple[dict[str, Array], Array | None, Array]:
    """Give layer name -> rows, the outputs (B, ...), and the predicted classes (B,)."""
    with computed_as(dtype, model.module):
        outputs, chosen = rows_of_block(model, 0, x, places, to_end)
    values = None if outputs is None else outputs.float().cpu().numpy()
    return {name: found.z for name, found in chosen.items()}, values, classes_of(outputs, len(x), model)
