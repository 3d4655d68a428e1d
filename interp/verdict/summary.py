"""The first screen: what the network is, how good it is, what it reads and what to do next, in plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import numpy as np

from interp.checkpoints.inspection import inspection
from interp.types import Alert, Answer, Effects, LayerVerdict, LoadedModel
from interp.verdict.evidence import Evidence
from interp.verdict.layers import NO_COPIES, layers_sentence
from interp.verdict.words import layer_name, listed, some

IS, GOOD, READS, NEXT = "What it is", "How good it is", "What it reads", "What to do next"
"""Questions of the first screen, in order."""

MOST_LAYERS = 6
"""Largest number of layers that have a sentence each on the first screen."""

MOST_STEPS = 5

FITS = {
    "as expected": "On its training samples that is more than a simple model gets",
    "doubtful": "On its training samples it makes errors that training removes",
    "poor for its size": "On its training samples that is no more than a simple model gets",
    "at chance": "On its training samples that is no better than chance",
}
"""How the fit was judged -> what it means."""

READ = {
    "distances": "small outputs decide: which of its nodes are near zero, as one reads a distance",
    "intensities": "large outputs decide: which of its nodes respond most",
    "neither": "neither small nor large outputs of its nodes are seen to decide more than in untrained copies",
}
"""Leaning -> what it means, after the layer's name."""

RANDOM = "Nothing that was learned: of random weights, copies with other random weights say all there is."


def answers(found: Evidence, alerts: Sequence[Alert] = ()) -> tuple[Answer, ...]:
    """Answer what somebody asks first who has not read the papers.

    Parameters
    ----------
    found
        Results of a run.
    alerts
        Alerts that these results raise.

    Returns
    -------
    tuple of Answer
        Answers in the order of the first screen.
    """
    return (
        Answer(IS, what_it_is(found), "model"),
        Answer(GOOD, how_good(found), "model"),
        *([Answer(READS, RANDOM)] if _is_random(found.model) else what_it_reads(found.layers)),
        *what_next(found, alerts),
    )


def _is_random(model: LoadedModel) -> bool:
    return "trained" in model.inferred and model.inferred["trained"].value is False


def what_it_is(found: Evidence) -> str:
    """Say in one sentence what the network takes and gives."""
    asked = f" for {found.task.asked}" if found.task.asked else ""
    return f"A network of {_built(found.model)}{asked}, looked at with {_data(found)}."


def _built(model: LoadedModel) -> str:
    """Give the widths of a plain chain, else the layers of each kind."""
    widths, count = inspection(model)["widths"], len(model.layers)
    layers = "one layer" if count == 1 else f"{count} layers"
    if widths:
        nodes = listed([f"{width:,}" for width in widths[1:]])
        return f"{layers} ({widths[0]:,} inputs, then {nodes} nodes{_named(model)})"
    kinds = Counter(layer.kind for layer in model.layers)
    count_of_nodes = sum(layer.nodes for layer in model.layers)
    return f"{layers} ({', '.join(f'{number} {kind}' for kind, number in kinds.items())}; {count_of_nodes:,} nodes)"


def _named(model: LoadedModel) -> str:
    """Give the names of layers that are only numbers, which count activations too."""
    names = [layer.name for layer in model.layers]
    return f", in the file {some(names)}" if any(layer_name(name) != name for name in names) else ""


def _data(found: Evidence) -> str:
    data = found.data
    name = PurePath(data.name).name or data.name
    if data.image_shape is not None:
        channels, height, width = data.image_shape
        return f"images of {name}, {height} by {width} pixels{'' if channels == 1 else f' in {channels} channels'}"
    return f"rows of {name}, {data.width:,} {'columns' if data.features else 'values'} each"


def how_good(found: Evidence) -> str:
    """Give the score of every split, beside that of the best constant answer, with how the fit was judged."""
    task, shown = found.task, "test" if "test" in found.data.splits else "train"
    known = task.answers(found.data.splits[shown])
    if known is None or not found.model.scores:
        return "There are no labels or targets, so that it cannot be said how good it is."
    scores = [
        f"{task.described(found.model.scores[name])} on {len(found.data.splits[name]):,} {words} samples"
        for name, words in (("test", "test"), ("train", "training"))
        if name in found.model.scores and name in found.data.splits
    ]
    beside = f"the best constant answer gets {task.described(task.chance(known))}, perfection is {task.described(1.0)}"
    return f"{', '.join(scores)}; {beside}. {_fits(found.model)}".strip()


def _fits(model: LoadedModel) -> str:
    """Say how the fit was judged, with the score of what it was held against."""
    fit = model.inferred.get("fit")
    if fit is None or fit.value not in FITS:
        return ""
    held = fit.evidence.partition("; ")[2]
    return f"{FITS[fit.value]}{f' ({held})' if held else ''}."


def what_it_reads(layers: Sequence[LayerVerdict]) -> Iterator[Answer]:
    """Say of each layer, or of some of many, which of its outputs decide."""
    if not layers:
        yield Answer(READS, "There is no hidden layer to read.")
    if len(layers) > MOST_LAYERS:
        yield Answer(READS, layers_sentence(layers), "reading")
    for one in layers if len(layers) <= MOST_LAYERS else _some_that_were_read(layers):
        if one.statistics:
            said = READ.get(one.leaning, f"undecided{f', since {one.why}' if one.why else ''}")
            chance = f" (p = {one.p_holm:.2g})" if np.isfinite(one.p_holm) else ""
            yield Answer(READS, f"{layer_name(one.layer)}: {said}{chance}.", "reading", one.layer)
    yield from _not_read(layers)


def _not_read(layers: Sequence[LayerVerdict]) -> Iterator[Answer]:
    """Say of the layers that were not read why not, those with one reason together."""
    left: dict[str, list[str]] = {}
    for one in layers:
        if not one.statistics:
            left.setdefault(one.why.removeprefix("it was not read: "), []).append(layer_name(one.layer))
    for why, names in left.items():
        yield Answer(READS, f"{some(names)}: not read, since {why}.", "reading")


def _some_that_were_read(layers: Sequence[LayerVerdict]) -> list[LayerVerdict]:
    """Choose layers that were read, evenly over depth."""
    read = [one for one in layers if one.statistics]
    if not read:
        return []
    return [read[i] for i in np.unique(np.linspace(0, len(read) - 1, MOST_LAYERS).round().astype(int))]


def what_next(found: Evidence, alerts: Sequence[Alert]) -> Iterator[Answer]:
    """Say what to do: about alerts, dead nodes and undecided layers; else where to look."""
    steps = [*_about_alerts(alerts), *_about_nodes(found, alerts), *_about_layers(found.layers)]
    yield from steps[:MOST_STEPS] or _where_to_look(found.effects, found.hidden)


def _about_alerts(alerts: Sequence[Alert]) -> Iterator[Answer]:
    """Say what to do about each, the worst first."""
    done = dict.fromkeys((alert.name, alert.do, alert.place) for alert in alerts)
    for name, do, place in done:
        yield Answer(NEXT, f"{name.replace('-', ' ').capitalize()}: {do[:1].lower()}{do[1:]}", place)


def _about_nodes(found: Evidence, alerts: Sequence[Alert]) -> Iterator[Answer]:
    """Say which nodes can go, where no alert did."""
    dead = sum(part.counts["dead"] for part in found.hidden_boundaries.values())
    if dead and not any(alert.name == "dead" for alert in alerts):
        nodes = "One node is dead and can be removed" if dead == 1 else f"{dead:,} nodes are dead and can be removed"
        yield Answer(NEXT, f"{nodes} without changing any output on these data.", "all-nodes")


def _about_layers(layers: Sequence[LayerVerdict]) -> Iterator[Answer]:
    """Say how an undecided layer may be decided."""
    names = [layer_name(one.layer) for one in layers if one.why == NO_COPIES]
    if names:
        yield Answer(NEXT, f"Read {some(names)} again with more copies (--read-copies).", "reading")


def _where_to_look(effects: Effects, hidden: Sequence[str]) -> Iterator[Answer]:
    """Lead to the hidden node whose silencing costs most on the samples that chose it."""
    table = effects.training_nodes if len(effects.training_nodes) else effects.tested_nodes
    table = table[table["layer"].isin(hidden)] if len(table) else table
    if not len(table) or table["difference"].isna().all():
        return
    worst = table.loc[table["difference"].idxmin()]
    name = f"{worst['layer']}:{int(worst['node'])}"
    yield Answer(NEXT, f"Look at {name}: silencing it costs most in training.", name)
