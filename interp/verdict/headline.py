"""The one sentence that stands first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.interventions.readouts.tolerance import compared
from interp.tasks import find_task
from interp.types import Dataset, Effects, LoadedModel

MEASURED = "outputs are measured values, so weaker activations cost {score} whether it leans on distances or not"
AS_MUCH = "intensity matters as much as where the boundaries lie"


def headline(
    model: LoadedModel,
    data: Dataset,
    beats: Mapping[str, bool],
    ranges: Mapping[str, Mapping[str, tuple[float, float]]],
    effects: Effects,
) -> str:
    """Sum the results up in one sentence; a network that does not fit the data has none about its boundaries."""
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
    task = find_task(model.task)
    if task.measured:
        return f"{first}; {MEASURED.format(score=task.score.words)}."
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
