"""Which heads, order of norms, activation and readout the training data single out for a network with attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.alternatives import Tried, assumed, explained, finalists
from interp.checkpoints.inference.attention.choices import all_choices, readouts
from interp.checkpoints.inference.attention.network import AttentionNetwork, Choice, read_blocks, run_head
from interp.checkpoints.inference.attention.parts import AttentionParts
from interp.checkpoints.inference.candidates.trial import known_scores, scores_differ
from interp.checkpoints.inference.recurrent.readouts import Read
from interp.checkpoints.inference.sequences import inputs_of
from interp.network.inputs import as_tensor
from interp.tasks import find_task
from interp.types import Array, Dataset, Inference

ROWS, FIRST_ROWS, FEWEST = 2000, 256, 32
"""Numbers of training rows that finalists and all choices are tried on, and the least of a large network."""

WORK = 4e11
"""Largest number of multiplications in one round of trials."""

WEIGHTS = 2**26
"""Largest number of attention's weights (rows x heads x T x T) at a time, 256 MB as floats; one row may have more."""

FACTS: dict[str, Callable[[Choice], str]] = {
    "heads": lambda choice: str(choice.heads),
    "norms": lambda choice: choice.norms,
    "activation": lambda choice: choice.activation,
    "readout": lambda choice: choice.readout,
    "positions": lambda choice: choice.positions,
    "embedding": lambda choice: choice.embedding,
    "padding": lambda choice: choice.padding,
    "input_scaling": lambda choice: choice.scaling.name,
}

STATED = {"heads": "heads", "activation": "activation", "input_scaling": "scaling"}
"""Fact -> option that states it."""


def infer_choice(
    parts: AttentionParts,
    data: Dataset | None,
    steps: int,
    given: Mapping[str, str | None],
    task: str,
    path: object,
) -> tuple[Choice, dict[str, Inference]]:
    """Choose the interpretation with the best score on training rows, and say how sure that is.

    Parameters
    ----------
    parts
        Parts of the network.
    data
        Data whose training split decides; None, or data without answers, leaves the usual choice.
    steps
        Number of time steps of a sequence.
    given
        Values of ``heads``, ``scaling`` and ``activation`` that the user states.
    task
        Name of the task, for `interp.tasks.find_task`.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If no readout gives as many values as the first dense layer reads.
    UsageError
        If the heads that the user states do not divide the width.
    """
    choices = list(all_choices(parts, data, steps, given, path))
    values = None if data is None else find_task(task).answers(data.train)
    if data is None or values is None:
        return choices[0], {fact: assumed(value, choices, _stated(fact, given)) for fact, value in FACTS.items()}
    order = np.random.default_rng(0).permutation(len(values))
    attempt = partial(_try, parts, data, values, steps, task)
    few = order[: _affordable(parts, steps, len({_run_of(one) for one in choices}), FIRST_ROWS)]
    kept = finalists(list(attempt(choices, np.sort(few))), list(FACTS.values()))
    most = order[: _affordable(parts, steps, len({_run_of(one) for one in kept}), ROWS)]
    tried = list(attempt(kept, np.sort(most)))
    best = _usual(tried, readouts(parts, steps, path))
    return best.choice, {fact: _explained(fact, best, tried, given, task) for fact in FACTS}


def _explained(
    fact: str, best: Tried[Choice], tried: Sequence[Tried[Choice]], given: Mapping[str, str | None], task: str
) -> Inference:
    only = "likely" if fact == "readout" else "certain"
    return explained(FACTS[fact], best, tried, task, only, _stated(fact, given))


def _stated(fact: str, given: Mapping[str, str | None]) -> str:
    """Name the option with which the user states a fact; empty where none was given."""
    return STATED[fact] if given.get(STATED.get(fact, "")) else ""


def _usual(tried: Sequence[Tried[Choice]], readouts: Sequence[str]) -> Tried[Choice]:
    """Take the best; of those whose scores are no worse, that of the usual readout: sums make any loss smaller."""
    best = min(tried, key=lambda one: one.merit)
    equal = [one for one in tried if not scores_differ(best.per_sample, one.per_sample)]
    return min(equal, key=lambda one: (one.merit[0], readouts.index(one.choice.readout), one.loss))


# --------------------------------------------------------------------------- trials


def _run_of(choice: Choice) -> tuple[object, ...]:
    """Name the run of the blocks that choices share which differ in what follows alone."""
    return (
        choice.heads, choice.norms, choice.activation, choice.positions, choice.embedding, choice.padding,
        choice.scaling.name,
    )  # fmt: skip


def _affordable(parts: AttentionParts, steps: int, runs: int, most: int) -> int:
    """Give the number of rows for one round; each step's projections and dense pair, and each pair of steps, count."""
    steps += parts.first is not None
    each = (12 * parts.width**2 * steps + 2 * steps**2 * parts.width) * len(parts.blocks)
    return int(min(most, max(FEWEST, WORK / (each * runs))))


@torch.no_grad()
def _try(
    parts: AttentionParts,
    data: Dataset,
    values: Array,
    steps: int,
    task: str,
    choices: Sequence[Choice],
    rows: Array,
) -> Iterator[Tried[Choice]]:
    """Try choices; what the blocks give is computed once for those that share it."""
    asked, truth = find_task(task), values[rows]
    kept: tuple[tuple[object, ...], Read | None] = ((), None)
    for choice in sorted(choices, key=lambda one: str(_run_of(one))):
        network = AttentionNetwork(parts, choice).eval()
        if kept[0] != _run_of(choice) or kept[1] is None:
            x = as_tensor(data.train.inputs[rows], choice.scaling, (data.width,))
            kept = ((), None)  # before the next is computed
            at_once = max(1, WEIGHTS // (choice.heads * (steps + (parts.first is not None)) ** 2))
            kept = _run_of(choice), _read(network, *inputs_of(x, data, parts.embedding is not None, steps), at_once)
        assert kept[1] is not None
        outputs = run_head(network, kept[1], choice.readout)
        found, loss = asked.scorer_of(data.train, truth, choice.scaling)(outputs, torch.from_numpy(truth), "linear")
        yield Tried(choice, known_scores(found), float(loss.double().mean()))


def _read(network: AttentionNetwork, x: Tensor, lengths: Tensor | None, at_once: int) -> Read:
    """Run all blocks on some rows at a time."""
    if len(x) <= at_once:
        return read_blocks(network, x, lengths)
    pieces = torch.split(x, at_once)
    own = [None] * len(pieces) if lengths is None else torch.split(lengths, at_once)
    read = [read_blocks(network, *one) for one in zip(pieces, own, strict=True)]
    return Read(torch.cat([one.outputs for one in read]), [], torch.cat([one.alive for one in read]))
