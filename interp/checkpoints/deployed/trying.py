"""Two samples of a graph's inputs, what ONNX Runtime makes of them, and how far a network's outputs are from that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from interp.checkpoints.deployed.examples import SAMPLES, examples, feed
from interp.checkpoints.deployed.network import Deployed
from interp.checkpoints.deployed.packages import session
from interp.checkpoints.deployed.program import Program, model_of
from interp.types import Array, Dataset

CLOSE = 1e-4
"""Largest difference to ONNX Runtime's outputs, relative to 1 + the largest of them."""

CLOSE_IN_HALVES = 1e-2
"""The same where the file computes in 16 bits, and this program in 32."""

HALVES = frozenset({10, 16})
"""Types of floats of 16 bits, as TensorProto.DataType numbers them."""

ENOUGH = 10_000  # values of one drawn sample beyond which no larger one is tried where a smaller one gave numbers


class Tried(NamedTuple):
    """Two samples of each input, and the outputs that ONNX Runtime gives for each."""

    values: tuple[Array, ...]
    outputs: list[dict[str, Array]]

    @property
    def is_sound(self) -> bool:
        """Whether the outputs hold numbers: images that are too small for a network leave maps without any."""
        return all(_is_sound(one) for outputs in self.outputs for one in outputs.values())


def try_out(program: Program, data: Dataset | None, path: Path) -> Iterator[Tried]:
    """Run the whole graph on each of two samples, in the shapes in which ONNX Runtime takes them.

    Raises
    ------
    Exception
        Whatever ONNX Runtime raised for the first shape, if it takes none.
    """
    whole = session(model_of(program, program.nodes, {one.name: one.kind for one in program.inputs}, program.outputs))
    problem: Exception | None = None
    found = False
    for values in examples(program.inputs, data, path):
        try:
            each = [whole.run(None, feed(program.inputs, values, slice(at, at + 1))) for at in range(SAMPLES)]
        except Exception as error:  # any shape may fail in its own way
            problem = problem or error
            continue
        found = True
        tried = Tried(values, [dict(zip(program.outputs, one, strict=True)) for one in each])
        yield tried
        if tried.is_sound and data is None and prod(values[0].shape[1:]) > ENOUGH:
            return
    if problem is not None and not found:
        raise problem


def _is_sound(output: object) -> bool:
    """Whether an output holds numbers: images that are too small for a network leave maps without any."""
    if not isinstance(output, np.ndarray) or output.dtype.kind != "f":
        return True
    return output.size > 0 and bool(np.isfinite(output).all())


def largest_difference(kinds: Iterable[int]) -> float:
    """Give the largest difference to ONNX Runtime of a file whose values are of some types (TensorProto.DataType).

    Examples
    --------
    >>> largest_difference([1, 7]), largest_difference([1, 10])
    (0.0001, 0.01)
    """
    return CLOSE if HALVES.isdisjoint(kinds) else CLOSE_IN_HALVES


@torch.no_grad()
def difference(network: Deployed, values: Sequence[Array], expected: Mapping[str, Array]) -> float:
    """Give the largest difference of outputs, relative to 1 + the largest; infinity where the network fails.

    Parameters
    ----------
    network
        Network made of the graph.
    values
        Two samples of each input, as the file states them.
    expected
        Name of an output -> ONNX Runtime's values of it, one row a sample.
    """
    try:
        given, *others = (torch.from_numpy(one) for one in values)
        outputs: Any = network(given.movedim(-1, 1) if network.channels_last else given, *others)
    except Exception:  # a graph that takes one sample alone fails on two in its own way
        return float("inf")
    found = outputs if isinstance(outputs, dict) else {network.outputs[0]: outputs}
    return max((apart(found[name].numpy(), wanted) for name, wanted in expected.items()), default=0.0)


def apart(found: Array, wanted: Array) -> float:
    """Give the largest difference of two arrays relative to 1 + the largest finite value; infinity of other shapes.

    Examples
    --------
    >>> apart(np.array([1.0, 3.5]), np.array([1.0, 3.0]))
    0.125
    """
    if found.shape != wanted.shape or not np.array_equal(np.isfinite(found), np.isfinite(wanted)):
        return float("inf")
    finite = np.isfinite(wanted)
    size = 1 + np.abs(wanted[finite]).max(initial=0)
    return float(np.abs(found[finite] - wanted[finite]).max(initial=0) / size)
