"""The one sentence that stands first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.interventions.readouts.tolerance import compared
from interp.types import Dataset, Effects, LoadedModel
from interp.verdict.coherence import beats_null
from interp.verdict.evidence import Evidence
from interp.verdict.sensitivity import harmless_ranges

MEASURED = "outputs are measured values, so weaker activations cost {score} whether it leans on distances or not"
AS_MUCH = "intensity matters as much as where the boundaries lie"


def headline(found: Evidence) -> str:
    """Sum the results up in one sentence; a network that does not fit the data has none about its boundaries."""
    trained = found.model.inferred["trained"].value
    if trained is False:
        return "This network looks untrained: what follows describes random weights, not something learned."
    if (unfit := _unfit(found.model, found.data)) is not None:
        return unfit
    if trained is None:
        return "Whether this network was trained on these data could not be established; read what follows with care."
    return f"{_boundaries(found)}; {_intensities(found)}."


def _boundaries(found: Evidence) -> str:
    """Say whether chance explains how many boundaries pass through cluster means."""
    layers = found.hidden_boundaries
    coherent = [name for name, part in layers.items() if beats_null(part)]
    if not coherent:
        return "Boundaries pass through cluster means no more often than chance explains"
    return f"Boundaries of {_named(coherent, len(layers))} pass through cluster means more often than chance explains"


def _intensities(found: Evidence) -> str:
    """Say what sweeps tell of distances and intensity, as far as outputs allow it."""
    if found.task.measured:
        return MEASURED.format(score=found.task.score.words)
    ranges = {name: harmless_ranges(found.effects, name) for name in found.hidden}
    leaning = _leaning(ranges)
    return f"{leaning}{'' if leaning == AS_MUCH else _by_shape(found.effects, ranges)}"


def _named(layers: Sequence[str], of: int, most: int = 4) -> str:
    return ", ".join(layers) if len(layers) <= most else f"{len(layers)} of {of} hidden layers"


def _unfit(model: LoadedModel, data: Dataset) -> str | None:
    """Say so where the network does not know these data, or does worse on them than its size allows."""
    fit, guessed = model.inferred.get("fit"), [model.inferred.get(fact) for fact in ("activation", "output")]
    known = all(said is None or said.confidence == "certain" for said in guessed)
    under = "" if known else " under any candidate that was tried"
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
