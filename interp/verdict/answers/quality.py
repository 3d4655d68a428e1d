"""How good the network is: its score, beside what needs no network on the same samples."""

from __future__ import annotations

from collections.abc import Mapping

from interp.tasks import Task
from interp.types import Array, LoadedModel
from interp.verdict.alerts.simple import Call, call
from interp.verdict.evidence import Evidence

SPLITS = {"test": "test", "train": "training"}
"""Name of a split -> word for its samples; the first with a score is the one that the others are beside."""

FITS = {
    "as expected": "On its training samples it gets more than a quick fit to them",
    "poor for its size": "On its training samples it gets no more than a quick fit to them",
    "at chance": "On its training samples it is no better than chance",
}
"""How the fit was judged -> what it means; a quick fit is a stand-in, `interp.tasks.Task.stand_ins`."""

NAMED = ("as expected", "poor for its size")
"""Values of the fit that compare the network with a stand-in, which is named then."""

CALLED: Mapping[Call, str] = {
    "better": ", better than a simple model ({})",
    "level": ", not shown better than a simple model ({})",
    "worse": ", worse than a simple model ({})",
}
"""How the network does beside a simple model -> what is said after its score."""


def how_good(found: Evidence) -> str:
    """Give the score of every split; beside it the best constant answer and a simple model, on the same samples.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> "worse than a simple model" in how_good(Evidence(model, data))
    True
    """
    task, known = found.task, _known(found)
    if not known:
        return "There are no labels or targets, so that it cannot be said how good it is."
    scores = [
        f"{task.described(found.model.scores[name])} on {len(found.data.splits[name]):,} {SPLITS[name]} samples"
        for name in known
    ]
    first, values = next(iter(known.items()))
    constant = f"the best constant answer{_of_mean(task)} gets {task.described(task.chance(values))}"
    beside = f"{constant} on the {SPLITS[first]} samples, perfection is {task.described(1.0)}"
    others = "".join(f"{score}; " for score in scores[1:])
    said = f"{scores[0]}{_called(found)}. {_begun(others + beside)}."
    simple = _simple(found)
    return " ".join(filter(None, (said, simple, _fits(found.model, bool(simple)))))


def _begun(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _of_mean(task: Task) -> str:
    """Say which constant answer is best, where it is not a class or a label."""
    return ", the mean of the targets," if task.measured else ""


def _called(found: Evidence) -> str:
    """Say how the network does beside a simple model; empty where that is not known."""
    words = CALLED.get(call(found), "")
    return words.format(found.task.score.shown(found.simple.score)) if found.simple is not None else ""


def _known(found: Evidence) -> dict[str, Array]:
    """Give the answers of the splits that have a score, the test split's first."""
    scored = [name for name in SPLITS if name in found.model.scores and name in found.data.splits]
    answers = {name: found.task.answers(found.data.splits[name]) for name in scored}
    return {name: values for name, values in answers.items() if values is not None}


def _simple(found: Evidence) -> str:
    """Say what the simple model is, with its score where that was not said; empty where there is none."""
    if found.simple is None:
        return ""
    if _called(found):
        return f"The simple model, on the same test samples: {found.simple.what}."
    score = found.task.described(found.simple.score)
    return f"On the same test samples a simple model gets {score} ({found.simple.what})."


def _fits(model: LoadedModel, is_compared: bool) -> str:
    """Say how the fit was judged: beside which stand-in, and where nothing else was compared, all of its evidence."""
    fit = model.inferred.get("fit")
    if fit is None or fit.value not in FITS or (is_compared and fit.value == "as expected"):
        return ""
    held = "" if is_compared and fit.value not in NAMED else fit.evidence.partition("; ")[2]
    return f"{FITS[fit.value]}{f' ({held})' if held else ''}."
