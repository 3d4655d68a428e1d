"""How good the network is: its score, beside what needs no network on the same samples."""

from __future__ import annotations

from interp.types import LoadedModel
from interp.verdict.evidence import Evidence

FITS = {
    "as expected": "On its training samples it gets more than a simple model",
    "doubtful": "On its training samples the network makes errors that training removes",
    "poor for its size": "On its training samples it gets no more than a simple model",
    "at chance": "On its training samples it is no better than chance",
}
"""How the fit was judged -> what it means."""


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
    simple = _simple(found)
    return " ".join(filter(None, (f"{', '.join(scores)}; {beside}.", simple, _fits(found.model, bool(simple)))))


def _simple(found: Evidence) -> str:
    """Give what a simple model of the training samples gets on the test samples; empty where that is not known."""
    if found.simple is None:
        return ""
    score = found.task.described(found.simple.score)
    return f"On the same test samples a simple model gets {score} ({found.simple.what})."


def _fits(model: LoadedModel, is_compared: bool) -> str:
    """Say how the fit was judged; where nothing else was compared, with the score of what it was held against."""
    fit = model.inferred.get("fit")
    if fit is None or fit.value not in FITS or (is_compared and fit.value == "as expected"):
        return ""
    held = "" if is_compared else fit.evidence.partition("; ")[2]
    return f"{FITS[fit.value]}{f' ({held})' if held else ''}."
