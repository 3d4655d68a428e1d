"""How good the network is: its score, beside what needs no network on the same samples."""

from __future__ import annotations

from interp.types import Array, LoadedModel
from interp.verdict.evidence import Evidence

SPLITS = {"test": "test", "train": "training"}
"""Name of a split -> word for its samples; the first with a score is the one that the others are beside."""

FITS = {
    "as expected": "On its training samples it gets more than a quick fit to them",
    "doubtful": "On its training samples its outputs have errors that a finished training would not leave",
    "poor for its size": "On its training samples it gets no more than a quick fit to them",
    "at chance": "On its training samples it is no better than chance",
}
"""How the fit was judged -> what it means; a quick fit is a stand-in, `interp.tasks.Task.stand_ins`."""

NAMED = ("as expected", "poor for its size")
"""Values of the fit that compare the network with a stand-in, which is named then."""


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
    >>> "On the same test samples a simple model" in how_good(Evidence(model, data))
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
    constant = f"{task.described(task.chance(values))} on the {SPLITS[first]} samples"
    beside = f"the best constant answer gets {constant}, perfection is {task.described(1.0)}"
    simple = _simple(found)
    return " ".join(filter(None, (f"{', '.join(scores)}; {beside}.", simple, _fits(found.model, bool(simple)))))


def _known(found: Evidence) -> dict[str, Array]:
    """Give the answers of the splits that have a score, the test split's first."""
    scored = [name for name in SPLITS if name in found.model.scores and name in found.data.splits]
    answers = {name: found.task.answers(found.data.splits[name]) for name in scored}
    return {name: values for name, values in answers.items() if values is not None}


def _simple(found: Evidence) -> str:
    """Give what a simple model of the training samples gets on the test samples; empty where that is not known."""
    if found.simple is None:
        return ""
    score = found.task.described(found.simple.score)
    return f"On the same test samples a simple model gets {score} ({found.simple.what})."


def _fits(model: LoadedModel, is_compared: bool) -> str:
    """Say how the fit was judged: beside which stand-in, and where nothing else was compared, all of its evidence."""
    fit = model.inferred.get("fit")
    if fit is None or fit.value not in FITS or (is_compared and fit.value == "as expected"):
        return ""
    held = "" if is_compared and fit.value not in NAMED else fit.evidence.partition("; ")[2]
    return f"{FITS[fit.value]}{f' ({held})' if held else ''}."
