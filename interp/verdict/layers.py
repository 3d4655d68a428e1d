"""What is read of each layer: the rule applied to the profiles of all layers together, and its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from interp.types import Array, Beside, LayerVerdict, Leaning, ReadingProfile
from interp.verdict.reading.rule import Rule, leaning, worst_p_value
from interp.verdict.reading.significance import Null, holm
from interp.verdict.words import layer_name, some

TWO_CLASSES = "of two classes, small outputs for one are large outputs for the other"
NO_COPIES = "too few untrained copies can be compared with it"
NO_BALANCE = "most decisions do not hang on it"
NOT_TESTED = "it was not tested: "
"""What stands before the reason why a layer was left out."""

NO_POWER = "its copies differ so much among themselves that even a strong leaning would not stand out"


def layer_verdicts(found: Mapping[str, ReadingProfile], rule: Rule = Rule()) -> tuple[LayerVerdict, ...]:
    """Call every layer.

    Parameters
    ----------
    found
        Layer name -> its profile.
    rule
        Thresholds of the verdict.
    """
    read = {name: own for name, own in found.items() if not own.skipped}
    nulls = {name: [Null(kind, part) for kind, part in own.copied_balance.items()] for name, own in read.items()}
    p_values = np.array([worst_p_value(own.balance, nulls[name]) for name, own in read.items()])
    corrected = dict(zip(read, zip(p_values.tolist(), holm(p_values).tolist(), strict=True), strict=True))
    return tuple(
        _called(name, own, nulls[name], corrected[name], len(read), rule) if name in read else _left_out(name, own)
        for name, own in found.items()
    )


def _left_out(name: str, own: ReadingProfile) -> LayerVerdict:
    none = float("nan")
    return LayerVerdict(name, "undecided", none, none, 0, {}, f"{NOT_TESTED}{own.skipped}")


def _called(
    name: str, own: ReadingProfile, nulls: Sequence[Null], p_values: tuple[float, float], layers: int, rule: Rule
) -> LayerVerdict:
    copies = min(len(null.known) for null in nulls)
    said, why = leaning(own.balance, nulls, p_values[1], layers, rule), ""
    if own.logits <= 2:
        said, why = "undecided", TWO_CLASSES
    elif said == "undecided":
        why = NO_BALANCE if np.isnan(own.balance) else NO_COPIES if copies < rule.copies else NO_POWER
    return LayerVerdict(name, said, *p_values, copies, _statistics(own), why)


def _statistics(own: ReadingProfile) -> dict[str, Beside]:
    return {
        "balance": _beside(own.balance, own.copied_balance),
        "best_cut_keeps": _beside(own.kept, own.copied_kept),
        "levels_needed": _beside(own.needed, own.copied_needed),
    }


def _beside(value: float, copies: Mapping[str, Array]) -> Beside:
    return Beside(value, {kind: _central(part) for kind, part in copies.items()})


def _central(values: Array) -> tuple[float, float]:
    """Give the ends of the central 95 %, each a copy's own value, so that infinite ones may be among them."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975], method="nearest")
    return float(low), float(high)


# --------------------------------------------------------------------------- in words

PLAIN: Mapping[Leaning, str] = {
    "distances": "in {names}, small outputs decide more than large ones",
    "intensities": "in {names}, large outputs decide more than small ones",
    "neither": "in {names}, neither small nor large outputs are seen to decide more than in untrained copies",
    "undecided": "in {names}, whether small or large outputs decide is undecided",
}
"""Leaning -> what it means, for somebody who has not read the papers."""


def network_sentence(layers: Sequence[LayerVerdict]) -> str:
    """Say in one sentence what is read of every layer, those with one leaning together.

    Examples
    --------
    >>> nan = float("nan")
    >>> print(network_sentence([LayerVerdict("fc1", "undecided", nan, nan, 0, {})]))
    In fc1, whether small or large outputs decide is undecided.
    """
    if not layers:
        return "There is no hidden layer to read."
    parts = []
    for kind, words in PLAIN.items():
        names = [layer_name(one.layer) for one in layers if one.leaning == kind]
        if names:
            parts.append(words.format(names=some(names)))
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def layers_sentence(layers: Sequence[LayerVerdict]) -> str:
    """Count many layers by what is read of them."""
    counts = {kind: sum(one.leaning == kind for one in layers) for kind in PLAIN}
    said = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
    return f"What is read of {len(layers)} layers, how many of each: {said}."


def layer_sentence(one: LayerVerdict) -> str:
    """Say of one layer what is read, with the numbers."""
    if not one.statistics:
        return f"{one.layer}: what is read of it is undecided, since {one.why}."
    balance = one.statistics["balance"]
    why = f", since {one.why}" if one.why else ""
    return (
        f"{one.layer}: {_meant(one)}{why}. S = {balance.value:+.2f} from -1 (only large outputs matter) to +1"
        f" (only small ones); the central 95% of copies: {_spans(balance, '{:+.2f}')};"
        f" p = {one.p_holm:.2g} after Holm's correction, {one.copies} copies of each kind."
    )


MEANT: Mapping[Leaning, str] = {
    "distances": "distances (small outputs decide)",
    "intensities": "intensities (large outputs decide)",
    "neither": "neither (no end of the outputs decides more than in copies of the network)",
    "undecided": "undecided",
}

UNLIKE_COPIES = "neither (it differs from its copies, but not towards an end that decides more in itself)"
"""What neither means where the difference from copies is no chance."""


def _meant(one: LayerVerdict) -> str:
    return UNLIKE_COPIES if differs_from_copies(one) else MEANT[one.leaning]


def differs_from_copies(one: LayerVerdict) -> bool:
    """Tell whether a layer with no preference differs from copies by more than chance: too little, or the other way.

    Parameters
    ----------
    one
        Verdict on a layer.
    """
    return one.leaning == "neither" and one.p_holm <= Rule().alpha


PREFERENCE: Mapping[Leaning, str] = {
    "distances": "small outputs",
    "intensities": "large outputs",
    "neither": "no preference",
    "undecided": "undecided",
}
"""Leaning -> which outputs decide, in two words: the words that the first screen and the table of layers share."""


def preference(one: LayerVerdict) -> str:
    """Say in two or three words which outputs of a layer decide.

    Parameters
    ----------
    one
        Verdict on a layer.

    Examples
    --------
    >>> nan = float("nan")
    >>> preference(LayerVerdict("fc1", "undecided", nan, nan, 0, {}))
    'not tested'
    """
    if not one.statistics:
        return "not tested"
    return "no clear preference" if differs_from_copies(one) else PREFERENCE[one.leaning]


def levels_sentence(one: LayerVerdict) -> str:
    """Say how few levels a layer's nodes need."""
    if not one.statistics:
        return ""
    cut, needed = one.statistics["best_cut_keeps"], one.statistics["levels_needed"]
    enough = f"{needed.value:.0f} levels keep" if np.isfinite(needed.value) else "no number of levels tried keeps"
    return (
        f"{one.layer}: with every node cut once, at the best quantile, {cut.value:.0%} of the predictions stay (central"
        f" 95% of copies: {_spans(cut, '{:.0%}')}); {enough} 95%."
    )


def _spans(found: Beside, form: str) -> str:
    return ", ".join(
        f"{form.format(low)} to {form.format(high)} {KINDS.get(kind, kind)}"
        for kind, (low, high) in found.copies.items()
    )


KINDS = {"shuffled": "with shuffled weights", "fresh": "freshly initialised"}
