"""Which outputs of each layer decide, in words that need no paper, and what follows from it for the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from interp.types import LayerVerdict, Leaning, LoadedModel
from interp.verdict.alerts.reading import is_guess
from interp.verdict.evidence import Evidence
from interp.verdict.layers import NOT_TESTED, PREFERENCE, differs_from_copies, preference
from interp.verdict.reading.rule import Rule
from interp.verdict.words import layers_named, listed

NONE: Mapping[str, str] = MappingProxyType({})

MOST_DRAWN = 6
"""Largest number of layers whose reading profile is drawn on the first screen."""

PREFERRED = ("distances", "intensities")
"""Leanings that are a preference, whose strength is said."""

FEW = 4
"""Largest number of layers that share a sentence and whose p-values are all named."""

CLAIMED: Mapping[Leaning, str] = {
    **PREFERENCE,
    "distances": f"{PREFERENCE['distances']} decide more than large ones",
    "intensities": f"{PREFERENCE['intensities']} decide more than small ones",
}
"""Leaning -> answer in a few words, after the layers' names; it begins as the cell of the table of layers."""

BOTH_ENDS = " To see what a node does, look at the inputs that make it smallest and at those that make it largest."
"""What follows where neither end decides."""

MEANT = {
    "distances": "So whether a node is near zero tells more than how strongly it responds: look at the inputs that make"
    " it smallest.",
    "intensities": "So how strongly a node responds tells more than whether it is near zero: look at the inputs that"
    " make it largest.",
    "neither": "Small and large outputs matter as they do in copies with random weights; a preference half as strong as"
    " can be, or stronger, would have been seen." + BOTH_ENDS,
    "undecided": "Conclude nothing from a node's output being small, or large.",
}
"""Leaning -> what was seen, and what it means for the reader."""

SMALL_CHANGE = "Small and large outputs matter nearly alike, if not quite as in copies with random weights." + BOTH_ENDS
"""What a difference from copies means that is too small to follow."""

ZEROS = " With {}, the smallest outputs are those of a node that is off."
"""What small outputs are where an activation ends at zero."""

ENDING_AT_ZERO = ("relu", "relu6")
"""Activations whose smallest outputs are equal, and zero."""

GUESSED = " This holds only if the activation, which is a guess, is right."
"""What to hold beside a preference where the activation is not settled."""

RANDOM = (
    "Nothing that was learned, since its weights look random: how its layers work comes from chance, not from data."
)

NOT_READ = "Not looked at: the stage “read”, which tells, was not run."


NOT_LOOKED_AT = "Which outputs of its layers decide was not looked at."
"""What is said of hidden layers that were not read."""


@dataclass(frozen=True)
class Read:
    """One answer to what a network reads.

    Attributes
    ----------
    answer
        Answer in plain sentences.
    place
        Section of the page that shows more; empty where none does.
    layers
        Names of the layers whose reading profiles stand beside it.
    """

    answer: str
    place: str = "reading"
    layers: tuple[str, ...] = ()


def what_it_reads(found: Evidence) -> Iterator[Read]:
    """Say of the layers which of their outputs decide, those of which the same is known together.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> [read.answer[:24] for read in what_it_reads(Evidence(model, data))]
    ['Nothing that was learned']
    """
    if _is_random(found.model):
        yield Read(RANDOM, "")
        return
    if "read" in found.not_run:
        yield Read(NOT_READ, "")
        return
    if not found.layers:
        yield Read(NOT_LOOKED_AT if found.model.hidden else "There is no hidden layer to read.", "")
    activations = {layer.name: layer.activation for layer in found.model.every_layer}
    guess = found.model.inferred.get("activation")
    yield from of_layers(found.layers, activations, GUESSED if guess is not None and is_guess(guess) else "")


def _is_random(model: LoadedModel) -> bool:
    return "trained" in model.inferred and model.inferred["trained"].value is False


def of_layers(
    layers: Sequence[LayerVerdict], activations: Mapping[str, str] = NONE, caveat: str = ""
) -> Iterator[Read]:
    """Say what was found of each kind of layers, in network order of the first of each.

    Parameters
    ----------
    layers
        Verdict on each hidden layer.
    activations
        Layer name -> name of its activation.
    caveat
        Sentence behind each preference; empty for none.
    """
    drawn = _drawn(layers)
    groups: dict[tuple[str, str, str], list[LayerVerdict]] = {}
    for one in layers:
        groups.setdefault((*_said(one, activations.get(one.layer, ""), caveat), one.why), []).append(one)
    tested = sum(bool(np.isfinite(one.p_holm)) for one in layers)
    for (claimed, meaning, _), those in groups.items():
        names = tuple(one.layer for one in those if one.layer in drawn)
        claim = f"{layers_named([one.layer for one in those])}: {claimed}{_numbers(those, tested)}."
        yield Read(f"{claim[:1].upper()}{claim[1:]} {meaning}".strip(), "reading", names)


def _said(one: LayerVerdict, activation: str, caveat: str) -> tuple[str, str]:
    """Give the answer in a few words, and what it means."""
    if not one.statistics:
        return preference(one), _sentence(one.why.removeprefix(NOT_TESTED))
    if differs_from_copies(one):
        if abs(one.statistics["balance"].value) < Rule().least:
            return preference(one), SMALL_CHANGE
        return preference(one), f"{_less_than_copies(one)}.{BOTH_ENDS}"
    is_off = one.leaning == "distances" and activation in ENDING_AT_ZERO
    meant = MEANT[one.leaning] + (ZEROS.format(activation) if is_off else "")
    meant += caveat if one.leaning in PREFERRED else ""
    return CLAIMED[one.leaning], f"{_sentence(one.why)} {meant}" if one.why else meant


def _sentence(why: str) -> str:
    """Give a reason as a sentence of its own."""
    return f"{why[:1].upper()}{why[1:]}."


def _less_than_copies(one: LayerVerdict) -> str:
    """Say to which end a layer leans that copies lean to more, those of one kind at least."""
    balance = one.statistics["balance"]
    end = "Small" if balance.value > 0 else "Large"
    less = all(high < balance.value < 0 or 0 < balance.value < low for low, high in balance.copies.values())
    how = "less" if less else "not more"
    return f"{end} outputs decide more, but {how} so than with random weights, so that neither end is a rule"


def _numbers(those: Sequence[LayerVerdict], tested: int) -> str:
    """Give the p-values of the layers in brackets, and where they have a preference how strong it is."""
    p_values = _p_values(those, tested)
    if not p_values or those[0].leaning not in PREFERRED:
        return p_values and f" ({p_values})"
    strengths = [abs(one.statistics["balance"].value) for one in those]
    said = [f"{value:.2f}" for value in strengths]
    several = listed(said) if len(said) <= FEW else f"{min(strengths):.2f} to {max(strengths):.2f}"
    return f" (strength {several} of at most 1; {p_values})"


def _p_values(those: Sequence[LayerVerdict], tested: int) -> str:
    """Give the p-value of the layers, or of many the smallest and the largest, with what they are corrected for."""
    known = [one.p_holm for one in those if np.isfinite(one.p_holm)]
    if not known:
        return ""
    said = [f"{value:.2g}" for value in known]
    several = listed(said) if len(said) <= FEW else f"{min(known):.2g} to {max(known):.2g}"
    if len(set(said)) == 1:
        several = said[0]
    return f"p = {several}{f', corrected for {tested} layers' if tested > 1 else ''}"


def _drawn(layers: Sequence[LayerVerdict]) -> set[str]:
    """Choose layers that were read, evenly over depth."""
    read = [one.layer for one in layers if one.statistics]
    count = min(len(read), MOST_DRAWN)
    return {read[i] for i in np.linspace(0, len(read) - 1, count).round().astype(int)}
