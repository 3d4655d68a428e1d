"""Which readout, padding, scaling and activations the training data single out for a recurrent network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import nn

from interp.checkpoints.inference.alternatives import Tried, explained
from interp.checkpoints.inference.candidates.candidate import FIRST
from interp.checkpoints.inference.candidates.trial import known_scores
from interp.checkpoints.inference.rebuild import dense_steps, norm_part
from interp.checkpoints.inference.recurrent.fronts import FRONTS, Front, front_steps, steps_behind
from interp.checkpoints.inference.recurrent.parts import Parts, fused_layer, is_two_way, kind_of, width_of
from interp.checkpoints.inference.recurrent.readouts import (
    PADDING,
    READOUTS,
    TWO_WAY,
    EarlySteps,
    SequenceNetwork,
    read_sequences,
)
from interp.checkpoints.inference.sequences import inputs_of
from interp.checkpoints.inference.stack.layers import USE_MODEL, Norm
from interp.data import RAW, parse_scaling, scalings
from interp.errors import CheckpointError
from interp.network.chain import run
from interp.network.inputs import as_tensor
from interp.tasks import find_task
from interp.types import Array, Dataset, Inference, Scaling

ROWS = 2000
"""Training rows that choices are tried on."""


@dataclass(frozen=True)
class Choice:
    """One possible interpretation of the parts.

    Attributes
    ----------
    readout
        Name of what the dense layers read, one of `READOUTS`.
    padding
        Treatment of steps of padding, one of `PADDING`.
    recurrence
        Function of plain RNNs, ``tanh`` or ``relu``.
    scaling
        Scaling of stored inputs.
    activation
        Activation between dense layers.
    front
        Padding, activation and pooling around convolutions before the recurrent layers; None where there are none.
    """

    readout: str
    padding: str
    recurrence: str
    scaling: Scaling
    activation: str
    front: Front | None = None


FACTS: dict[str, Callable[[Choice], str]] = {
    "readout": lambda choice: choice.readout,
    "padding": lambda choice: choice.padding,
    "recurrence": lambda choice: choice.recurrence,
    "input_scaling": lambda choice: choice.scaling.name,
    "activation": lambda choice: choice.activation,
}


def network_of(parts: Parts, choice: Choice) -> SequenceNetwork:
    """Build the network that a choice describes, of torch's own modules."""
    embedding = None
    if parts.embedding is not None:
        name, table = parts.embedding
        embedding = name.removesuffix(".weight"), nn.Embedding(len(table), table.shape[1], _weight=table)
    layers = {name: fused_layer(tensors, choice.recurrence) for name, tensors in parts.recurrent.items()}
    early = [] if choice.front is None else front_steps(parts.front, choice.front)
    steps = EarlySteps(early, _named(parts.before, 2))
    head = _head(parts, choice.activation)
    return SequenceNetwork(embedding, layers, choice.readout, head, choice.padding == PADDING[0], steps).eval()


def _named(norm: Norm | None, dimensions: int) -> list[tuple[str, nn.Module]]:
    return [] if norm is None else [(norm.name, norm_part(norm, dimensions).eval())]


def _head(parts: Parts, activation: str) -> list[tuple[str, nn.Module]]:
    """Build the norm of what the dense layers read, and these."""
    return [*_named(parts.behind, 2), *dense_steps(parts.dense, activation)]


def infer_choice(
    parts: Parts, data: Dataset | None, steps: int, given: Mapping[str, str | None], task: str, path: object
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
        Values of ``scaling`` and ``activation`` that the user states.
    task
        Name of the task, for `interp.tasks.find_task`.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If no readout gives as many values as the first dense layer reads.
    """
    choices = list(_choices(parts, data, steps, given, path))
    values = None if data is None else find_task(task).answers(data.train)
    if data is None or values is None:
        why = "assumed: without labels nothing can be tested"
        return choices[0], {
            fact: Inference(value(choices[0]), "certain" if _known(choices, value) else "uncertain", why)
            for fact, value in _facts(parts).items()
        }
    rows = np.sort(np.random.default_rng(0).permutation(len(values))[:ROWS])
    tried = _try(parts, choices, data, rows, values[rows], steps, task)
    best = min(tried, key=lambda one: one.merit)
    return best.choice, {fact: _explained(fact, of, best, tried, given, task) for fact, of in _facts(parts).items()}


def _facts(parts: Parts) -> dict[str, Callable[[Choice], str]]:
    """List the facts of a network, that of convolutions where it has some."""
    return {**FACTS, "convolutions": lambda choice: str(choice.front)} if parts.front else FACTS


def _known(choices: Sequence[Choice], value: Callable[[Choice], str]) -> bool:
    return len({value(choice) for choice in choices}) == 1


def _choices(
    parts: Parts, data: Dataset | None, steps: int, given: Mapping[str, str | None], path: object
) -> Iterator[Choice]:
    *_, last = parts.recurrent.values()
    width = parts.dense[0].channels if parts.dense else None
    fronts = [one for one in FRONTS if steps_behind(parts.front, one, steps)] if parts.front else [None]
    lengths = {steps if one is None else steps_behind(parts.front, one, steps) for one in fronts}
    readouts = [
        name for name in READOUTS if any(_fits(name, width, width_of(last), one, is_two_way(last)) for one in lengths)
    ]
    if not readouts:
        raise CheckpointError(
            path,
            found=f"{width} inputs of {parts.dense[0].name} after {width_of(last)} outputs a time step",
            expected="a last step, a mean or a maximum over steps, or all steps side by side",
            do=USE_MODEL,
        )
    has_padding = data is not None and data.steps is not None
    plain = any(kind_of(tensors) == "RNN" for tensors in parts.recurrent.values())
    active = [given["activation"]] if given.get("activation") else ["relu", *sorted(set(FIRST) - {"relu"})]
    scaling = {RAW.name: RAW} if parts.embedding is not None or data is None else scalings(data)
    if given.get("scaling"):
        scaling = {"": parse_scaling(str(given["scaling"]), data)}
    for readout, padding, recurrence, scaled, activation, front in product(
        readouts,
        PADDING[1 if parts.front else 0 : 2] if has_padding else PADDING[2:],
        ("tanh", "relu") if plain else ("tanh",),
        scaling.values(),
        active if len(parts.dense) > 1 else ["identity"],
        fronts,
    ):
        own = steps if front is None else steps_behind(parts.front, front, steps)
        if _fits(readout, width, width_of(last), own, is_two_way(last)):
            yield Choice(readout, padding, recurrence, scaled, str(activation), front)


def _fits(readout: str, width: int | None, outputs: int, steps: int, two_way: bool) -> bool:
    """Whether a readout gives as many values as the first dense layer reads, and is another than those before it."""
    if readout in TWO_WAY and not two_way:
        return False
    each = outputs // 2 if two_way else outputs
    ways = readout.startswith(("last state of", "sum of", "mean of"))
    given = each if ways else 2 * outputs if " and " in readout else outputs
    given = steps * outputs if readout.startswith("all steps") else given
    return width in (None, given) and (width is not None or given == outputs)


def _try(
    parts: Parts, choices: Sequence[Choice], data: Dataset, rows: Array, values: Array, steps: int, task: str
) -> list[Tried[Choice]]:
    """Try all choices, and give them in their order; those that share what the recurrent layers give are tried at once.

    So that is computed once, and kept no longer than for these.
    """
    places: dict[tuple[str, str, str, Front | None], list[int]] = {}
    for place, choice in enumerate(choices):
        key = (choice.padding, choice.recurrence, choice.scaling.name, choice.front)
        places.setdefault(key, []).append(place)
    tried: dict[int, Tried[Choice]] = {}
    for own in places.values():
        alike = [choices[place] for place in own]
        tried |= zip(own, _try_alike(parts, alike, data, rows, values, steps, task), strict=True)
    return [tried[place] for place in range(len(choices))]


@torch.no_grad()
def _try_alike(
    parts: Parts, choices: Sequence[Choice], data: Dataset, rows: Array, values: Array, steps: int, task: str
) -> list[Tried[Choice]]:
    """Try choices that differ in readout and activation alone."""
    scaling = choices[0].scaling
    x = as_tensor(data.train.inputs[rows], scaling, (data.width,))
    read = read_sequences(network_of(parts, choices[0]), *inputs_of(x, data, parts.embedding is not None, steps))
    scorer, truth = find_task(task).scorer_of(data.train, values, scaling), torch.from_numpy(values)
    tried = []
    for choice in choices:
        outputs = run([part for _, part in _head(parts, choice.activation)], READOUTS[choice.readout](read))
        found, loss = scorer(outputs, truth, "linear")
        tried.append(Tried(choice, known_scores(found), float(loss.double().mean())))
    return tried


def _explained(
    fact: str,
    value: Callable[[Choice], str],
    best: Tried[Choice],
    tried: Sequence[Tried[Choice]],
    given: Mapping[str, str | None],
    task: str,
) -> Inference:
    """Give the value of a fact: as stated by the user, or beside the other values of it."""
    option = {"input_scaling": "scaling", "activation": "activation"}.get(fact, "")
    only = "likely" if fact == "readout" else "certain"
    return explained(value, best, tried, task, only, option if given.get(option) else "")
