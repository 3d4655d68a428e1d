"""What the results say, in plain words with their numbers; no claim that the null could explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from interp.analysis.statistics import detectable_difference
from interp.interventions.readouts.tolerance import TOLERATED, Compared, compared, connected
from interp.tasks.tasks import COUNTED, R2, TASKS, ScoreName, answers
from interp.types import UNSAMPLED, Attribution, Boundaries, Dataset, Effects, Limit, LoadedModel, Verdict

SIGNIFICANT = 0.01
MEASURED = "outputs are measured values, so weaker activations cost R² whether it leans on distances or not"
MANY_DEAD = 0.2
MANY_LAYERS = 12
"""Beyond so many hidden layers, one sentence for all takes the place of one for each."""


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
    hidden = [layer.name for layer in model.layers[:-1]] or [layer.name for layer in model.layers]
    beats = {name: beats_null(boundaries[name]) for name in hidden if name in boundaries}
    ranges = {name: harmless_ranges(effects, name) for name in hidden}
    judged = {name: boundaries[name] for name in hidden if name in boundaries}
    findings = _coherences(judged) if len(judged) > MANY_LAYERS else [_coherence(*found) for found in judged.items()]
    findings += [_sensitivity(name, ranges[name], TASKS[model.task]) for name in hidden]
    findings += [_pattern(name, effects) for name in hidden if model.task in COUNTED]
    measured = TASKS[model.task] == R2
    findings += [_beside_control(name, compared(effects.tolerance, name), measured) for name in hidden]
    findings += [_dead(boundaries), *_captum(attribution), _power(effects, TASKS[model.task])]
    return Verdict(
        _headline(model, data, beats, ranges, effects),
        tuple(filter(None, findings)),
        tuple(alerts(model, data, boundaries, limits)),
    )


def beats_null(found: Boundaries) -> bool:
    """Whether more boundaries pass through cluster means than parallel ones through random data points would."""
    at = _at_epsilon(found)
    return bool(found.share_p_value[at] < SIGNIFICANT) and all(
        found.share[at] > share[at] for share in found.null_share.values()
    )


def harmless_ranges(effects: Effects, layer: str) -> dict[str, tuple[float, float]]:
    """Give the widest connected ranges of scale and offset levels around the no-op that cost less than one point.

    Over whole-layer rows of the training split: intervention -> (lowest, highest) level.
    """
    table = effects.table
    rows = table[(table["layer"] == layer) & (table["node"] == -1) & (table["split"] == "train")]
    found = {}
    for kind, centre in (("scale", 1.0), ("offset", 0.0)):
        part = rows[rows["intervention"] == kind].sort_values("level")
        if len(part):
            found[kind] = connected(part["level"].to_numpy(float), -part["difference"].to_numpy(float), centre)
    return found


# --------------------------------------------------------------------------- sentences


def _headline(
    model: LoadedModel,
    data: Dataset,
    beats: Mapping[str, bool],
    ranges: Mapping[str, Mapping[str, tuple[float, float]]],
    effects: Effects,
) -> str:
    if model.inferred["trained"].value is False:
        return "This network looks untrained: what follows describes random weights, not something learned."
    if (unfit := _unfit(model, data)) is not None:
        return unfit
    if model.inferred["trained"].value is None:
        return "Whether this network was trained on these data could not be established; read what follows with care."
    coherent = [name for name, better in beats.items() if better]
    first = (
        f"Boundaries of {_named(coherent, len(beats))} pass through cluster means more often than chance explains"
        if coherent
        else "Boundaries pass through cluster means no more often than chance explains"
    )
    if TASKS[model.task] == R2:
        return f"{first}; {MEASURED}."
    leaning = _leaning(ranges)
    return f"{first}; {leaning}{'' if leaning == AS_MUCH else _by_shape(effects, ranges)}."


def _named(layers: Sequence[str], of: int, most: int = 4) -> str:
    return ", ".join(layers) if len(layers) <= most else f"{len(layers)} of {of} hidden layers"


def _unfit(model: LoadedModel, data: Dataset) -> str | None:
    """Say so where the network does not know these data, or does worse on them than its size allows."""
    fit, guessed = model.inferred.get("fit"), [model.inferred.get(fact) for fact in ("activation", "output")]
    known = all(said is None or said.confidence == "certain" for said in guessed)
    under = "" if known else " under any reading that was tried"
    if fit is not None and fit.value == "at chance":
        return (
            f"This network does no better than chance on {data.name}{under}: it was trained on other data or labels,"
            " or has to be read in another way; what follows does not describe what it learned."
        )
    if fit is not None and fit.value == "poor for its size":
        why = "it was hardly trained" if known else "its activation is likely none of those tried"
        return (
            f"This network does worse on {data.name} than one of its size should{under}: {why}, or it was trained on"
            " other data; read what follows with care."
        )
    return None


def _by_shape(effects: Effects, ranges: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Say so where no layer leans on distances more than it does with its weights shuffled, as far as is known."""
    found = [pair.leaning for name in ranges if (pair := compared(effects.tolerance, name)) is not None]
    if "distances" in found or set(found) <= {"unknown"}:
        return ""
    return " (no more so than with its weights shuffled)"


AS_MUCH = "intensity matters as much as where the boundaries lie"


def _leaning(ranges: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Compare tolerance to changed intensity with tolerance to moved boundaries, without calling it more."""
    known = [found for found in ranges.values() if {"scale", "offset"} <= set(found)]
    if not known:
        return "interventions were not run"
    tolerant = [f["scale"][0] <= 0.5 and f["offset"][1] - f["offset"][0] <= 0.5 for f in known]
    if all(tolerant):
        return "halving activations costs little, moving boundaries a lot, as if distances mattered more than intensity"
    if not any(tolerant):
        return AS_MUCH
    return "some layers tolerate weaker activations but not moved boundaries, others do not"


def _at_epsilon(found: Boundaries) -> int:
    return int(np.abs(found.epsilons - found.thresholds.epsilon).argmin())


def _coherence(name: str, found: Boundaries) -> str:
    at = _at_epsilon(found)
    live = found.judged
    if not live or "random point" not in found.null_share:
        return f"{name}: no live node to judge."
    unit = "sigma" if found.thresholds.rule == "mixture" else "output units"
    drawn = " that were drawn" if found.counts.get(UNSAMPLED) else ""
    verdict = "more than chance" if beats_null(found) else "what chance gives"
    return (
        f"{name}: {found.share[at]:.0%} of {live} live nodes{drawn} have their boundary within"
        f" {found.thresholds.epsilon:g} {unit} of a cluster mean"
        f" ({found.share_low[at]:.0%} to {found.share_high[at]:.0%}); parallel boundaries through random data points"
        f" would give {found.null_share['random point'][at]:.0%} (p = {found.share_p_value[at]:.2g}): {verdict}."
    )


def _coherences(judged: Mapping[str, Boundaries]) -> list[str]:
    """Sum up the coherence of many layers; each has its line in the page's table of layers."""
    better = [name for name, found in judged.items() if beats_null(found)]
    shares = [float(found.share[_at_epsilon(found)]) for found in judged.values() if found.judged]
    if not shares:
        return ["No layer has a live node to judge."]
    named = f" ({', '.join(better)})" if better else ""
    return [
        f"{len(better)} of {len(judged)} hidden layers{named} have more coherent nodes than chance gives, at"
        f" p < {SIGNIFICANT:g} each; shares of coherent nodes go from {min(shares):.0%} to {max(shares):.0%}, with a"
        f" median of {np.median(shares):.0%}."
    ]


def _sensitivity(name: str, found: Mapping[str, tuple[float, float]], score: ScoreName) -> str:
    if not {"scale", "offset"} <= set(found):
        return ""
    (low_scale, high_scale), (low, high) = found["scale"], found["offset"]
    return (
        f"{name}: {score.words} stays within {score.point} from {low_scale:.2g} to {high_scale:.2g} times the"
        f" activations, and for boundaries moved by {low:+.1%} to {high:+.1%} of each node's range."
    )


FLAT_FROM = 0.1
SMALL_SHIFT = 0.05
"""use-DM, tables 2 and 4: accuracy is flat under scaling from 10 % up, and falls under offsets of a few per cent."""


def _pattern(name: str, effects: Effects) -> str:
    """Say whether the layer's sweeps lie in the published pattern."""
    table = effects.table
    rows = table[(table["layer"] == name) & (table["node"] == -1) & (table["split"] == "train")]
    scaled = rows[(rows["intervention"] == "scale") & (rows["level"] >= FLAT_FROM)]
    shifted = rows[(rows["intervention"] == "offset") & (rows["level"].abs() == SMALL_SHIFT)].sort_values("level")
    if scaled.empty or len(shifted) != 2:
        return ""
    flat, (below, above) = float(scaled["difference"].min()), shifted["difference"]
    falls = bool((shifted["q_value"] < SIGNIFICANT).all()) and max(below, above) < min(flat, 0)
    verdict = "as in" if flat > -TOLERATED and falls else "unlike"
    return (
        f"{name}: scaling z by {FLAT_FROM:g} and more costs at most {100 * max(-flat, 0):.2f} points; shifting"
        f" boundaries by {SMALL_SHIFT:.0%} of the range changes accuracy by {100 * below:+.2f} (down) and"
        f" {100 * above:+.2f} (up): {verdict} the published MNIST networks, which are flat under scaling and fall"
        " under small shifts."
    )


LEANINGS = {
    "distances": "it leans on distances more than its shape explains",
    "intensity": "it leans on intensity more than its shape explains",
    "neither": "no more than its shape explains",
    "unknown": "that compares with nothing",
}


def _beside_control(name: str, found: Compared | None, measured: bool) -> str:
    """Say whether the layer's leaning is more than that of any network of its shape."""
    if found is None:
        return ""
    own, others = found.given, found.shuffled["ratio"]
    copies = f"{len(others)} copies" if len(others) > 1 else "a copy"
    kept = "the variance of its own outputs stays explained under" if measured else "its own predictions survive"
    sure = (
        ""
        if np.isnan(own["ratio_from"])
        else f" (95% interval {_ratio(own['ratio_from'])} to {_ratio(own['ratio_to'])})"
    )
    shuffled = f"{_span(others.min(), others.max())} in {copies} with shuffled weights"
    return (
        f"{name}: 99% of {kept} {own['scale_low']:.2g} to {own['scale_high']:.2g} times the"
        f" activations and shifts from {own['offset_low']:+.1%} to {own['offset_high']:+.1%}. Tolerated weakening over"
        f" tolerated shift is {_ratio(own['ratio'])}{sure}, against {shuffled}: {LEANINGS[found.leaning]}."
    )


def _span(low: float, high: float) -> str:
    return _ratio(low) if low == high or np.isnan(low) else f"{_ratio(low)} to {_ratio(high)}"


def _ratio(value: float) -> str:
    if np.isnan(value):
        return "undefined"
    return f"{value:.3g}" if np.isfinite(value) else "unbounded"


def _power(effects: Effects, score: ScoreName) -> str:
    """Say what change this many samples would have shown."""
    rows = effects.table[(effects.table["node"] >= 0) & (effects.table["split"] == "train")]
    if rows.empty or score == R2:
        return ""
    samples = int(rows["samples"].iloc[0])
    least = detectable_difference(samples, 0.01)
    return (
        f"With {samples:,} samples, a node whose silencing flips 1% of the outcomes is found with 80% power if"
        f" {score.words} changes by {100 * least:.2f} points or more; smaller effects may have been missed."
    )


def _dead(boundaries: Mapping[str, Boundaries]) -> str:
    parts = []
    for kind in ("dead", "one-sided"):
        counts = {name: found.counts[kind] for name, found in boundaries.items() if found.counts[kind]}
        if counts:
            parts.append(f"{kind} nodes: {_places(counts)}")
    found = "; ".join(parts)
    return f"{found[0].upper()}{found[1:]}." if parts else "No dead or one-sided node."


def _places(counts: Mapping[str, int]) -> str:
    """Name the layers that nodes lie in, or how many these are where they are many."""
    if len(counts) <= MANY_LAYERS:
        return ", ".join(f"{count} in {name}" for name, count in counts.items())
    most = max(counts, key=lambda name: counts[name])
    return f"{sum(counts.values()):,} in {len(counts)} layers, most in {most} ({counts[most]:,})"


def _captum(attribution: Mapping[str, Attribution]) -> list[str]:
    known = {name: found for name, found in attribution.items() if np.isfinite(found.rank_correlation)}
    return [
        f"{name}: node importance by Captum's conductance and by our ablation has rank correlation"
        f" {found.rank_correlation:.2f} ({found.low:.2f} to {found.high:.2f})."
        for name, found in known.items()
    ]


# --------------------------------------------------------------------------- alerts


def alerts(
    model: LoadedModel, data: Dataset, boundaries: Mapping[str, Boundaries], limits: Sequence[Limit] = ()
) -> list[str]:
    """List what a reader must know before trusting the page."""
    found = [
        f"{fact.replace('_', ' ')} is a guess that the data do not settle: {said.value} ({said.evidence})"
        for fact, said in model.inferred.items()
        if said.confidence == "uncertain" and said.value is not None and fact != "trained"
    ]
    if model.inferred["trained"].value is not True:
        found.append(f"trained: {model.inferred['trained'].evidence}")
    fit = model.inferred.get("fit")
    if fit is not None and fit.value != "as expected":
        found.append(f"the network as it was read is {fit.value}: {fit.evidence}")
    if answers(model.task, data.train) is None:
        found.append("no labels: accuracy below means agreement with the unperturbed predictions")
    if "test" not in data.splits:
        found.append("no test split: everything is measured on the data that was fitted")
    found += _dead_layers({name: part.counts["dead"] / len(part.kind) for name, part in boundaries.items()})
    unknown = sorted({layer.name for layer in model.layers if layer.activation == "custom"})
    if unknown:
        found.append(
            f"{', '.join(unknown)}: an activation of its own making follows, so output ranges and means"
            " are those of z, and intervention levels with them"
        )
    if limits:
        parts = "; ".join(f"{limit.looked_at:,} of {limit.of:,} {limit.what}" for limit in limits)
        found.append(f"looked at in part only ({parts}): see “The network” for which, and how to lift it")
    if model.skipped:
        found.append(f"not covered: {_not_covered(model.skipped)}")
    return found


def _dead_layers(shares: Mapping[str, float]) -> list[str]:
    many = {name: share for name, share in shares.items() if share > MANY_DEAD}
    if len(many) <= MANY_LAYERS:
        return [f"{share:.0%} of the nodes of {name} are dead" for name, share in many.items()]
    return [f"more than {MANY_DEAD:.0%} of the nodes are dead in each of {len(many)} layers: {_some(list(many))}"]


def _not_covered(skipped: Mapping[str, str]) -> str:
    """List the parts, those with one reason together."""
    parts: dict[str, list[str]] = {}
    for name, why in skipped.items():
        parts.setdefault(why, []).append(name)
    return "; ".join(f"{_some(names)} ({why})" for why, names in parts.items())


def _some(names: Sequence[str], most: int = 6) -> str:
    """Name a few, and count the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
