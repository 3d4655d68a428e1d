"""The tensors of a bare state dict -> Draft: their stack of layers, and the candidate that the data single out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from interp.checkpoints.drafts.attention import attention_draft
from interp.checkpoints.drafts.draft import Draft, example_of, trace
from interp.checkpoints.drafts.labels import are_of_signs
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.sequences import sequence_draft
from interp.checkpoints.drafts.text import text_draft
from interp.checkpoints.inference.attention.parts import is_attention_state
from interp.checkpoints.inference.convolutional.images import image_layouts
from interp.checkpoints.inference.convolutional.layouts import Layouts
from interp.checkpoints.inference.infer import infer_candidate
from interp.checkpoints.inference.of_signs import infer_of_signs
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.recurrent.parts import is_recurrent_state
from interp.checkpoints.inference.relaid import infer_relaid
from interp.checkpoints.inference.stack.facts import stack_facts, weakest
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.stack.slopes import slopes_fact
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.text.parts import is_text_state
from interp.checkpoints.weights.effective import Effective, plain_state, unknown_parametrization
from interp.types import Inference

ENDS = {"Sigmoid", "Softmax", "LogSoftmax"}
"""Modules that keep the order of outputs, so that no prediction tells whether they act on them."""


def weights_draft(asked: Request, doubts: tuple[str, ...] = ()) -> Draft:
    """Build the network that the tensors of a file make, as far as shapes and data tell it.

    Parameters
    ----------
    asked
        Contents of the file, data and options.
    doubts
        Reasons for which the architecture is no more than likely.

    Raises
    ------
    CheckpointError
        If the tensors are no stack of dense layers and convolutions.
    DataError
        If the data are not this network's.
    """
    contents, given = asked.contents, asked.options
    plain = plain_state(contents.state)
    if plain.unknown:
        raise unknown_parametrization(plain.unknown, asked.path)
    if is_recurrent_state(plain.state):
        return _doubted(sequence_draft(plain.state, asked), doubts)
    if is_attention_state(plain.state):
        return _doubted(attention_draft(plain.state, asked), doubts)
    if is_text_state(plain.state):
        return _doubted(text_draft(plain.state, asked), doubts)
    stack = layer_stack(plain.state, asked.path, contents.parts)
    outputs = len(stack.layers[-1].weight)
    asked, task = settled(asked, outputs, given.output or "")
    layers, shape, layouts = _layouts(stack.layers, asked)
    said = {"scaling": given.scaling, "activation": given.activation, "output": given.output}
    rows = given.weighed_rows if asked.weighs else 0
    choose = infer_candidate if asked.stood is None else partial(infer_relaid, stood=asked.stood)
    infer = partial(choose, layers, given=said, layouts=layouts.tried, weighed_rows=rows)
    found = infer_of_signs(infer, data) if outputs == 1 and (data := asked.data) and are_of_signs(data) else None
    found = found or infer(asked.data, task=asked.task)
    candidate, inferred = found.candidate, found.facts
    notes = ("parameter shapes", *contents.notes, *stack.notes, *doubts)
    most = weakest(stack.confidence, "likely" if doubts else "certain")
    if (slopes := slopes_fact(layers)) is not None:
        inferred = {**inferred, "activation": slopes}
    facts = {**stack_facts(layers, asked.data, notes, most), "task": task, **inferred, **_computed(plain)}
    module = rebuild(layers, candidate)
    structure = trace(module, example_of(module, asked, candidate.scaling, shape), asked.path)
    noted = _noted(facts, asked, layouts)
    return Draft(module, structure, candidate.scaling, shape, noted, asked.task, asked.data, found)


def _doubted(found: Draft, doubts: tuple[str, ...]) -> Draft:
    """Say of the architecture why it is no more than likely."""
    if not doubts:
        return found
    said = found.facts["architecture"]
    fact = replace(said, confidence=weakest("likely", said.confidence), evidence="; ".join((said.evidence, *doubts)))
    return replace(found, facts={**found.facts, "architecture": fact})


def _layouts(layers: list[Layer], asked: Request) -> tuple[list[Layer], tuple[int, ...], Layouts]:
    """Give the layers, the shape of one sample, and the pooling layouts that fit them."""
    if layers[0].is_convolution:
        return image_layouts(layers, asked.data, asked.path, asked.less_usual)
    return layers, (layers[0].channels,), Layouts([], 0)


def _computed(plain: Effective) -> dict[str, Inference]:
    """Say which weights were computed from parts."""
    if not plain.notes:
        return {}
    return {"weights": Inference("computed", "certain" if plain.sure else "likely", "; ".join(plain.notes))}


def _noted(facts: dict[str, Inference], asked: Request, layouts: Layouts) -> dict[str, Inference]:
    """Add to the evidence which layouts were not tried, and which modules may stand at the end."""
    noted = dict(facts)
    if layouts.note:
        said = facts["placement"]
        noted["placement"] = replace(said, evidence=f"{said.evidence}; {layouts.note}")
    ends = sorted({part.kind for part in asked.contents.parts.values()} & ENDS)
    if ends and asked.options.output is None:
        said = facts["output"]
        why = f"{said.evidence}; the file also names a {' and a '.join(ends)}, whose place only its code tells"
        noted["output"] = replace(said, confidence="uncertain", evidence=why)
    return noted
