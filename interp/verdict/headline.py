"""The one sentence that stands first."""

from __future__ import annotations

from collections.abc import Container, Sequence

from interp.types import Alert, Dataset, LoadedModel
from interp.verdict.alerts.reading import doubted, is_guess
from interp.verdict.alerts.simple import call
from interp.verdict.evidence import Evidence
from interp.verdict.layers import network_sentence

UNTRAINED = "This network looks untrained: what follows describes random weights, not something learned."
UNKNOWN = "Whether this network was trained on these data could not be established; read what follows with care."

READ = ("distances", "intensities")
"""Leanings that are findings; of other layers the first screen says further down that nothing was found."""

GAPS = ("train-test-gap", "memorising")
"""Alerts that say that what was learned does not hold on test samples."""

SIMPLE = {
    "simple-model": "worse than a simple model",
    "near-simple-model": "not shown better than a simple model",
}
"""Alert that sets the network beside a simple model -> what it means, after the network's score."""


BETTER = "better than a simple model"
"""What it means that no alert sets the network beside a simple model, where both have a score."""


def headline(found: Evidence, alerts: Sequence[Alert] = ()) -> str:
    """Say how good a network is and what was found of its layers; where it does not fit the data, that it does not.

    What layers are read at is left to its row where the network is not shown better than a simple model.

    Parameters
    ----------
    found
        Results of a run.
    alerts
        Alerts that these results raise.
    """
    trained, names = found.model.inferred["trained"].value, {alert.name for alert in alerts}
    if trained is False:
        return UNTRAINED
    if (unfit := _unfit(found.model, found.data)) is not None:
        return unfit
    if trained is None:
        return UNKNOWN
    score = f"{_score(found, names)}{_doubt(found, names)}"
    told = [] if names & {*SIMPLE} else [one for one in found.layers if one.leaning in READ]
    if score and not told:
        return f"{score}."
    hidden = found.layers or found.model.hidden
    if "read" in found.not_run or (hidden and not any(one.statistics for one in found.layers)):
        return "Which outputs of its layers decide was not looked at."
    read = network_sentence(told or found.layers).removesuffix(".") + (_if_right(found) if told else "") + "."
    return f"{score}; {read[0].lower()}{read[1:]}" if score else read


def _if_right(found: Evidence) -> str:
    """Say that what is read of layers rests on an activation that is a guess; empty where it is none."""
    said = found.model.inferred.get("activation")
    return f" (if {said.value}, a guess, is its activation)" if said is not None and is_guess(said) else ""


def _doubt(found: Evidence, alerts: Container[str]) -> str:
    """Say that the network is doubtful, and what that may come from, after its score; empty where it is not."""
    if "doubtful-fit" not in alerts:
        return ""
    return f"{'; it' if found.model.scores else 'This network'} seems {doubted(found)}"


def _score(found: Evidence, alerts: Container[str]) -> str:
    """Give the score on test samples beside that in training and a simple model's; empty where none is known."""
    has_gap = any(name in alerts for name in GAPS)
    task, scores = found.task, found.model.scores
    if "test" not in scores:
        return f"This network gets {task.described(scores['train'])} in training" if "train" in scores else ""
    said = f"This network gets {task.described(scores['test'])} on test samples"
    trained = f"{task.score.shown(scores['train'])} in training" if "train" in scores else ""
    beside = [f"well below the {trained}"] if trained and has_gap else []
    words = [one for name, one in SIMPLE.items() if name in alerts] or [BETTER] * (call(found) == "better")
    beside += [f"{one} ({task.score.shown(found.simple.score)})" for one in words if found.simple is not None]
    said += f" ({trained})" if trained and not has_gap else ""
    return said + (f", {' and '.join(beside)}" if beside else "")


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
