"""What the network is: what it takes, what it gives, and how it is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

from torch import nn

from interp.checkpoints.inspection import inspection
from interp.data.lengths import MASK, OF_TOKENIZER
from interp.types import LoadedModel
from interp.types.data import LENGTHS
from interp.verdict.evidence import Evidence
from interp.verdict.words import layer_name, layers_named, listed

STEPWISE = (
    " A gate is one map of a recurrent cell, such as an LSTM's forget gate: it reads a time step's values and the"
    " cell's output of the step before; a cell output is what the cell gives at a step. Both have a value at every"
    " time step: their rows are single steps of sequences, and a change of one of their nodes acts at all steps."
)
"""What stands behind the sentence on a network that runs a time step at a time."""

WORDS = {"gate": "gate", "candidate": "new value", "cell-output": "cell output"}
"""Kind of a layer of a recurrent cell -> its word."""


def what_it_is(found: Evidence) -> str:
    """Say what the network is there for, how it is built and was read, and of a recurrent one what its rows are.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> what_it_is(Evidence(model, data))[:41]
    'A network of one layer for naming the cla'
    """
    asked = f" for {found.task.asked}" if found.task.asked else ""
    more = STEPWISE if _is_stepwise(found.model) else ""
    count = len(found.model.every_layer)
    layers = "one layer" if count == 1 else f"{count} layers"
    if (some := len(found.model.layers)) != count:
        layers += f", {some} of them looked at{',' if asked else ''}"
    return f"A network of {layers}{asked}. {_built(found.model)}, looked at with {_data(found)}.{_read_as(found)}{more}"


def _is_stepwise(model: LoadedModel) -> bool:
    return any(layer.is_stepwise for layer in model.every_layer)


def _built(model: LoadedModel) -> str:
    """Give the widths of a plain chain, else the layers of each kind."""
    widths = inspection(model)["widths"]
    if widths:
        nodes = listed([f"{width:,}" for width in widths[1:]])
        return f"{widths[0]:,} inputs, then {nodes} nodes{_named(model)}"
    kinds = Counter(layer.kind for layer in model.every_layer)
    number = sum(layer.nodes for layer in model.every_layer)
    layers = listed([_counted(kind, count) for kind, count in kinds.items()])
    seen = sum(layer.nodes for layer in model.layers)
    some = "" if seen == number else f" ({seen:,} in the layers looked at)"
    return (
        f"{layers[:1].upper()}{layers[1:]}, with {number:,} {'node' if number == 1 else 'nodes'}{some}{_named(model)}"
    )


def _counted(kind: str, number: int) -> str:
    word = WORDS.get(kind, kind)
    return f"{number} {word}{'s' if number > 1 and kind in WORDS else ''}"


def _named(model: LoadedModel) -> str:
    """Give the names of layers that are only numbers, which count activations too."""
    names = [layer.name for layer in model.every_layer]
    are_numbers = any(layer_name(name) != name for name in names)
    return f" (called {layers_named(names)}, as in the file)" if are_numbers else ""


SURE = {
    "certain": "stated by the file or by you",
    "likely": "inferred: the data single {} out",
    "uncertain": "guessed: the data do not settle {}",
}
"""Confidence in facts about the file -> where they come from, with ``it`` or ``them``."""

MOOT = ", which makes no difference to random weights"
"""What is said of guesses where nothing was learned with any activation or scaling."""


def _read_as(found: Evidence) -> str:
    """Say with which activation and scaling the network was read, and how sure these are."""
    facts = list(_facts(found))
    if not facts:
        return ""
    known, trained = {said for _, said in facts}, found.model.inferred.get("trained")
    if trained is not None and trained.value is False and known != {"certain"}:
        return f" Read with {listed([words for words, _ in facts])}{MOOT}."
    if len(facts) > 1 and len(known) == 1 and (said := known.pop()):
        return f" Read with {listed([words for words, _ in facts])} (both {SURE[said].format('them')})."
    return f" Read with {listed([f'{words}{_sure(said)}' for words, said in facts])}."


def _facts(found: Evidence) -> Iterator[tuple[str, str]]:
    """Give the activation and the scaling in words, each with the confidence in it; empty where code states it."""
    known, scaling = found.model.inferred, found.model.inferred.get("input_scaling")
    used = sorted({layer.activation for layer in found.model.hidden if layer.activation})
    if used:
        said = known.get("activation")
        yield f"the activation {' and '.join(used)}", "" if said is None else said.confidence
    if scaling is not None and scaling.value is not None:
        yield f"the input scaling {scaling.value}", scaling.confidence


def _sure(confidence: str) -> str:
    return f" ({SURE[confidence].format('it')})" if confidence else ""


def _data(found: Evidence) -> str:
    data = found.data
    name = PurePath(data.name).name or data.name
    if _is_stepwise(found.model) or _are_tokens(found):  # (S, T, F) numbers may pass for images
        return f"sequences of {name}, {_steps(found)}"
    if data.image_shape is not None:
        channels, height, width = data.image_shape
        return f"images of {name}, {height} by {width} pixels{'' if channels == 1 else f' in {channels} channels'}"
    return f"rows of {name}, {data.width:,} {'columns' if data.features else 'values'} each"


def _steps(found: Evidence) -> str:
    """Give the length of a sequence, and what stands at each of its time steps."""
    parts, model = found.data.parts, found.model
    steps, *values = parts[0].shape if parts else model.input_shape
    is_padded = found.data.steps is not None or any(part.name == MASK for part in parts)
    longest = f"{'up to ' if is_padded else ''}{steps:,}"
    if values:
        return f"{longest} time steps of {values[0]:,} {'value' if values[0] == 1 else 'values'} each"
    return f"{longest} {'tokens' if _embeds(model) else 'values'} each"


def _are_tokens(found: Evidence) -> bool:
    """Whether inputs are sequences of tokens alone, with their lengths or a tokenizer's mask, or without."""
    first, *others = found.data.parts or (None,)
    is_sequence = first is not None and first.whole and len(first.shape) == 1
    beside = (LENGTHS, *OF_TOKENIZER)
    return is_sequence and _embeds(found.model) and all(one is not None and one.name in beside for one in others)


def _embeds(model: LoadedModel) -> bool:
    return any(isinstance(part, nn.Embedding) for part in model.module.modules())
