"""What is said of a chosen reading: each fact with its evidence, and how firm it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from interp.checkpoints.inference.race import better, by_merit, most_rows, ties
from interp.checkpoints.inference.readings import Reading, Score
from interp.network.activations import RELU_FAMILY
from interp.tasks import find_task
from interp.types import Confidence, Inference

Fact = Callable[[Reading], str]

FACTS: dict[str, Fact] = {
    "activation": lambda reading: reading.activation,
    "input_scaling": lambda reading: reading.scaling.name,
    "output": lambda reading: reading.output,
}
ORDERS = {
    "before": "norm, activation, pooling",
    "after": "activation, norm, pooling",
    "pool-first": "pooling, norm, activation",
    "last": "activation, pooling, norm",
}
FAMILIES = {"activation": frozenset(RELU_FAMILY), "output": frozenset({"linear", "activation"})}
"""Values that data tell apart poorly: between them the simplest stands, and the others are named."""

OPTIONS = {"activation": "activation", "input_scaling": "scaling", "output": "output"}
"""Fact -> the option with which a user gives it."""


def placed_facts(normed: bool) -> dict[str, Fact]:
    """List the facts about a convolutional network, with or without batch-norms."""
    left_out = "" if normed else "norm, "
    return {
        **FACTS,
        "placement": lambda reading: str(reading.placement),
        "order": lambda reading: ORDERS[reading.norm].replace(left_out, ""),
    }


def explain(
    fact: str, name: Fact, chosen: Score, scores: Sequence[Score], given: Mapping[str, str | None], task: str
) -> Inference:
    """Say what is known of one fact.

    Parameters
    ----------
    fact, name
        The fact, and how to read its value off a reading.
    chosen, scores
        The reading that stands, and all that ran.
    given
        What the user said.
    task
        Name of the task, for `interp.tasks.find_task`.
    """
    value = name(chosen.reading)
    if given.get(OPTIONS.get(fact, "")):
        return Inference(value, "certain", f"given with --{OPTIONS[fact]}")
    rivals = [score for score in scores if name(score.reading) != value]
    relatives = [score for score in rivals if {value, name(score.reading)} <= FAMILIES.get(fact, frozenset())]
    outside = [score for score in rivals if all(score is not relative for relative in relatives)]
    evidence = [f"{find_task(task).described(chosen.mean)} on {len(chosen.marks):,} training rows"]
    firm = bool(rivals)
    if outside:
        beaten, said = _beaten(name, chosen, outside, task)
        firm = firm and beaten
        evidence.append(said)
    evidence += _relatives_note(name, chosen, relatives, task)
    if fact == "output" and (unseen := find_task(task).unseen):
        firm = firm and value != "linear"
        evidence.append(unseen)
    return Inference(value, level(firm), "; ".join(evidence))


def _beaten(name: Fact, chosen: Score, rivals: Sequence[Score], task: str) -> tuple[bool, str]:
    """Whether the best rival does significantly worse and none ties on the rows it ran on; and how that reads."""
    values = {name(score.reading) for score in rivals}
    groups = [[score for score in rivals if name(score.reading) == value] for value in sorted(values)]
    best = [min(most_rows(group), key=by_merit) for group in groups]
    rival = min(most_rows(best), key=by_merit)
    tied = [f"{name(s.reading)} (on {len(s.marks):,} rows)" for s in best if s is not rival and ties(chosen, s)]
    said = f"best with another value: {name(rival.reading)} {_figure(task, rival)}"
    if len(rival.marks) < len(chosen.marks):
        said += f" on {len(rival.marks):,} of them"
    if not better(chosen, rival):
        return False, said + "; a difference that chance explains"
    return not tied, said + ("; not told apart: " + ", ".join(tied) if tied else "")


def _figure(task: str, score: Score) -> str:
    return find_task(task).score.shown(score.mean)


def _relatives_note(name: Fact, chosen: Score, relatives: Sequence[Score], task: str) -> list[str]:
    tied: dict[str, str] = {}
    for score in sorted(relatives, key=by_merit):
        if not better(chosen, score):
            value = name(score.reading)
            tied.setdefault(value, f"{value} {_figure(task, score)}")
    return [f"not excluded among close relatives: {', '.join(tied.values())}"] if tied else []


def level(firm: bool) -> Confidence:
    """Name how firm a guess is; a guess is never certain."""
    return "likely" if firm else "uncertain"


def assumed(reading: Reading, facts: Mapping[str, Fact], given: Mapping[str, str | None]) -> dict[str, Inference]:
    """Say what is known without labels: what the user gave, and that the rest is a convention."""
    inferred = {}
    for fact, name in facts.items():
        option = OPTIONS.get(fact, "")
        if given.get(option):
            inferred[fact] = Inference(name(reading), "certain", f"given with --{option}")
        else:
            why = "assumed: without labels nothing can be tested"
            inferred[fact] = Inference(name(reading), "uncertain", why)
    return inferred
