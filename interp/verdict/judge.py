"""Results in, verdict out: what they say in plain words with their numbers; no claim that a null could explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.interventions.readouts.tolerance import compared
from interp.tasks import find_task
from interp.types import Attribution, Boundaries, Dataset, Effects, Limit, LoadedModel, Verdict
from interp.verdict.alerts import alerts
from interp.verdict.coherence import beats_null, coherence, coherences
from interp.verdict.control import beside_control
from interp.verdict.evidence import Evidence
from interp.verdict.headline import headline
from interp.verdict.nodes import captums_agreement, dead_nodes, power
from interp.verdict.sensitivity import harmless_ranges, published_pattern, sensitivity
from interp.verdict.words import MANY_LAYERS


def judge(
    model: LoadedModel,
    data: Dataset,
    boundaries: Mapping[str, Boundaries],
    effects: Effects,
    attribution: Mapping[str, Attribution],
    limits: Sequence[Limit] = (),
) -> Verdict:
    """Sum the results up.

    Parameters
    ----------
    model, data
        What was looked at.
    boundaries, attribution
        By layer.
    effects
        Of all layers.
    limits
        What was not looked at.
    """
    task = find_task(model.task)
    hidden = [layer.name for layer in model.layers[:-1]] or [layer.name for layer in model.layers]
    beats = {name: beats_null(boundaries[name]) for name in hidden if name in boundaries}
    ranges = {name: harmless_ranges(effects, name) for name in hidden}
    judged = {name: boundaries[name] for name in hidden if name in boundaries}
    findings = coherences(judged) if len(judged) > MANY_LAYERS else [coherence(*found) for found in judged.items()]
    findings += [sensitivity(name, ranges[name], task.score) for name in hidden]
    findings += [published_pattern(name, effects) for name in hidden if task.counted]
    findings += [beside_control(name, compared(effects.tolerance, name), task.measured) for name in hidden]
    findings += [dead_nodes(boundaries), *captums_agreement(attribution), power(effects, task.score)]
    return Verdict(
        headline(model, data, beats, ranges, effects),
        tuple(filter(None, findings)),
        alerts(Evidence(model, data, boundaries, effects, attribution, limits)),
    )
