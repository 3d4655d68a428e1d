"""Which pooling, padding, activations and order the training data single out for a text classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from interp.checkpoints.inference.alternatives import Tried, assumed, explained, finalists
from interp.checkpoints.inference.candidates.trial import known_scores
from interp.checkpoints.inference.recurrent.readouts import READOUTS
from interp.checkpoints.inference.sequences import inputs_of
from interp.checkpoints.inference.text.choices import all_choices
from interp.checkpoints.inference.text.network import Choice, TextNetwork, head_of, joined_by, read_tokens
from interp.checkpoints.inference.text.parts import TextParts
from interp.checkpoints.inference.text.rest import Rows, oddness, settled
from interp.data import RAW
from interp.network.activations import ACTIVATIONS
from interp.network.chain import run
from interp.network.inputs import as_tensor
from interp.tasks import find_task
from interp.types import Array, Dataset, Inference

ROWS, FIRST_ROWS, FEWEST = 2000, 256, 32
"""Numbers of training rows that finalists and all choices are tried on, and the least of a large network."""

WORK = 1e11
"""Largest number of multiplications in one round of trials."""

KEPT = 100
"""Largest number of choices that are all tried on all rows at once."""

VALUES = 2**24
"""Largest number of values of embedding and convolutions at a time, 64 MB as floats; one row may have more."""

ONLY = {"readout": "likely"}
"""Fact -> confidence where no other value of it fits; else ``certain``."""


def facts_of(parts: TextParts) -> dict[str, Callable[[Choice], str]]:
    """List the facts of a network, with the function that reads each off a choice."""
    names = [one.name for one in parts.branches]
    tokens: dict[str, Callable[[Choice], str]] = {
        "readout": lambda choice: choice.readout,
        "padding": lambda choice: choice.padding,
    }
    if not names:
        return {**tokens, "activation": lambda choice: choice.between}
    facts: dict[str, Callable[[Choice], str]] = {
        **tokens,
        "activation": lambda choice: choice.active,
        "convolutions": lambda choice: choice.edges,
        "order": lambda choice: ", ".join(names[i] for i in choice.order),
    }
    return facts if len(parts.dense) < 2 else {**facts, "dense_activation": lambda choice: choice.between}


def infer_choice(
    parts: TextParts, data: Dataset | None, steps: int, activation: str | None, task: str, path: object
) -> tuple[Choice, dict[str, Inference]]:
    """Choose the interpretation with the best score on training rows, and say how sure that is.

    Parameters
    ----------
    parts
        Parts of the network.
    data
        Data whose training split decides; None, or data without answers, leaves the usual choice.
    steps
        Number of tokens of a sequence.
    activation
        Name of the activation that the user states; None where it is to be inferred.
    task
        Name of the task, for `interp.tasks.find_task`.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If no readout gives as many values as the first dense layer reads.
    """
    choices = list(all_choices(parts, data, steps, activation, path))
    facts = facts_of(parts)
    stated = dict.fromkeys(("activation", "dense_activation"), "activation") if activation else {}
    values = None if data is None else find_task(task).answers(data.train)
    if data is None or values is None:
        return choices[0], {fact: assumed(value, choices, stated.get(fact, "")) for fact, value in facts.items()}
    order = np.random.default_rng(0).permutation(len(values))
    if len(choices) > KEPT:
        few = order[: _affordable(parts, steps, choices, FIRST_ROWS)]
        kept = set(finalists(_try(_rows(data, values, steps, task, few), parts, choices), list(facts.values())))
        kept |= {one for one in choices if oddness(one, choices[0], list(facts.values())) < 2}
        choices = [one for one in choices if one in kept]
    rows = _rows(data, values, steps, task, order[: _affordable(parts, steps, choices, ROWS)])
    tried = _try(rows, parts, choices)
    best, slopes = settled(parts, choices[0], tried, list(facts.values()), rows)
    said = {
        fact: explained(value, best, tried, task, ONLY.get(fact, "certain"), stated.get(fact, ""))
        for fact, value in facts.items()
    }
    said = {fact: _with_slopes(one, facts[fact], best.choice, slopes) for fact, one in said.items()}
    outputs = len(parts.dense[-1].weight) if parts.dense else parts.width
    if outputs > 1 and find_task(task).counted:
        return best.choice, said
    return best.choice, {fact: _unmeasured(one) for fact, one in said.items()}


def _unmeasured(said: Inference) -> Inference:
    """Call likely facts uncertain, of tasks for which no rate of errors was measured."""
    if said.confidence != "likely":
        return said
    why = "how often that is right was measured of networks for several classes alone"
    return replace(said, confidence="uncertain", evidence=f"{said.evidence}; {why}")


def _with_slopes(
    said: Inference, value: Callable[[Choice], str], best: Choice, slopes: Mapping[Choice, float]
) -> Inference:
    """Add the slopes of the loss to what is said of a fact whose values scores do not tell apart."""
    others = {one: size for one, size in slopes.items() if value(one) != said.value}
    if said.confidence != "uncertain" or not others:
        return said
    least = min(others, key=lambda one: others[one])
    found = f"{slopes[best]:.2f}, under {value(least)} {others[least]:.2f}"
    return replace(said, evidence=f"{said.evidence}; slopes of the loss (logarithm of squared t values) {found}")


def _rows(data: Dataset, values: Array, steps: int, task: str, drawn: Array) -> Rows:
    """Take some training rows, in their order."""
    rows = np.sort(drawn)
    x, lengths = inputs_of(as_tensor(data.train.inputs[rows], RAW, (data.width,)), data, True, steps)
    return Rows(x, lengths, torch.from_numpy(values[rows]), find_task(task).scorer_of(data.train, values[rows], RAW))


def _run_of(choice: Choice) -> tuple[str, str]:
    """Name the run of the convolutions that choices share which differ in what follows alone."""
    return choice.padding, choice.edges


def _affordable(parts: TextParts, steps: int, choices: Sequence[Choice], most: int) -> int:
    """Give the number of rows for one round, each of which is run once for each way to run the convolutions."""
    runs = len({_run_of(one) for one in choices})
    each = steps * sum(one.weight.numel() for one in parts.branches) + 1
    return int(min(most, max(FEWEST, WORK / (each * runs))))


@torch.no_grad()
def _try(rows: Rows, parts: TextParts, choices: Sequence[Choice]) -> list[Tried[Choice]]:
    """Try choices, and give them in their order; what convolutions give is computed once for those that share it."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, choice in enumerate(choices):
        places.setdefault(_run_of(choice), []).append(place)
    heads = {one: [part for _, part in head_of(parts, one)] for one in {choice.between for choice in choices}}
    tried: dict[int, Tried[Choice]] = {}
    for own in places.values():
        pooled = _pooled(parts, [choices[place] for place in own], rows.x, rows.lengths)
        for place in own:
            choice = choices[place]
            outputs = run(heads[choice.between], joined_by(choice.order, pooled[choice.active, choice.readout]))
            found, loss = rows.scorer(outputs, rows.truth, "linear")
            tried[place] = Tried(choice, known_scores(found), float(loss.double().mean()))
    return [tried[place] for place in range(len(choices))]


def _pooled(
    parts: TextParts, choices: Sequence[Choice], x: Tensor, lengths: Tensor | None
) -> dict[tuple[str, str], list[Tensor]]:
    """Pool what the convolutions give, some rows at a time, in each way that choices do: activation and readout."""
    network = TextNetwork(parts, choices[0]).eval()
    ways = dict.fromkeys((one.active, one.readout) for one in choices)
    found: dict[tuple[str, str], list[list[Tensor]]] = {way: [] for way in ways}
    at_once = max(1, VALUES // (x.shape[1] * (parts.width + parts.embedding[1].shape[1])))
    own = None if lengths is None else torch.split(lengths, at_once)
    for i, piece in enumerate(torch.split(x, at_once)):
        reads = read_tokens(network, piece, None if own is None else own[i])
        for active, readout in ways:
            each = [one._replace(outputs=ACTIVATIONS[active](one.outputs)) for one in reads]
            found[active, readout].append([READOUTS[readout](one) for one in each])
    return {way: [torch.cat(one) for one in zip(*pieces, strict=True)] for way, pieces in found.items()}
