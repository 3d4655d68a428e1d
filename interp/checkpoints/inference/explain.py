"""What is said of a chosen candidate: each fact with its evidence, and how firm it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.outputs import BOUNDED
from interp.checkpoints.inference.candidates.trial import Trial, better, by_merit, most_rows, ties
from interp.network.activations import RELU_FAMILY
from interp.tasks import find_task
from interp.types import Confidence, Inference

Fact = Callable[[Candidate], str]

FACTS: dict[str, Fact] = {
    "activation": lambda candidate: candidate.activation,
    "input_scaling": lambda candidate: candidate.scaling.name,
    "output": lambda candidate: candidate.output,
}
ORDERS = {
    "before": "norm, activation, pooling",
    "after": "activation, norm, pooling",
    "pool-first": "pooling, norm, activation",
    "last": "activation, pooling, norm",
}
FAMILIES = {"activation": frozenset(RELU_FAMILY), "output": frozenset({"linear", "activation", *BOUNDED})}
"""Values that data tell apart poorly: between them the simplest stands, and the others are named."""

OPTIONS = {"activation": "activation", "input_scaling": "scaling", "output": "output"}
"""Fact -> the option with which a user gives it."""


def layout_facts(normed: bool) -> dict[str, Fact]:
    """List the facts about a convolutional network, with or without batch-norms."""
    left_out = "" if normed else "norm, "
    return {
        **FACTS,
        "placement": lambda candidate: str(candidate.layout),
        "order": lambda candidate: ORDERS[candidate.order].replace(left_out, ""),
    }


def explain(
    fact: str, name: Fact, chosen: Trial, trials: Sequence[Trial], given: Mapping[str, str | None], task: str
) -> Inference:
    """Give the value of one fact with its evidence and confidence.

    Parameters
    ----------
    fact
        Name of the fact.
    name
        Function that reads the value of the fact off a candidate.
    chosen
        Trial of the candidate that was chosen.
    trials
        Latest trials of all candidates.
    given
        Values that the user states, by option; None where a value is to be inferred.
    task
        Name of the task, for `interp.tasks.find_task`.
    """
    value = name(chosen.candidate)
    if given.get(OPTIONS.get(fact, "")):
        return Inference(value, "certain", f"given with --{OPTIONS[fact]}")
    rivals = [trial for trial in trials if name(trial.candidate) != value]
    relatives = [trial for trial in rivals if {value, name(trial.candidate)} <= FAMILIES.get(fact, frozenset())]
    outside = [trial for trial in rivals if all(trial is not relative for relative in relatives)]
    evidence = [f"{find_task(task).described(chosen.score)} on {len(chosen.per_sample):,} training rows"]
    firm, harmless = bool(rivals), False
    if outside:
        beaten, said = _beaten(name, chosen, outside, task)
        firm = firm and beaten
        evidence.append(said)
    tied = _tied_relatives(name, chosen, relatives, task)
    if tied:
        evidence.append(f"not excluded among close relatives: {', '.join(tied)}")
        firm = firm and fact != "activation"  # where those of outputs are no others in what they predict
    if fact == "output" and (unseen := find_task(task).unseen):
        harmless = firm and value == "linear"
        firm = firm and value != "linear"
        evidence.append(unseen)
    if fact == "output" and (explained := _explained_unbounded(value, rivals, task)):
        firm = harmless = False
        evidence.append(explained)
    return Inference(value, level(firm), "; ".join(evidence), harmless)


def _beaten(name: Fact, chosen: Trial, rivals: Sequence[Trial], task: str) -> tuple[bool, str]:
    """Whether the best rival does significantly worse and none ties on the rows it ran on; and how that reads."""
    values = {name(trial.candidate) for trial in rivals}
    groups = [[trial for trial in rivals if name(trial.candidate) == value] for value in sorted(values)]
    best = [min(most_rows(group), key=by_merit) for group in groups]
    rival = min(most_rows(best), key=by_merit)
    tied = [f"{name(s.candidate)} (on {len(s.per_sample):,} rows)" for s in best if s is not rival and ties(chosen, s)]
    said = f"best with another value: {name(rival.candidate)} {_figure(task, rival)}"
    if len(rival.per_sample) < len(chosen.per_sample):
        said += f" on {len(rival.per_sample):,} of them"
    if not better(chosen, rival):
        return False, said + "; a difference that chance explains"
    return not tied, said + ("; not told apart: " + ", ".join(tied) if tied else "")


def _explained_unbounded(value: str, rivals: Sequence[Trial], task: str) -> str:
    """Say that a linear output explains measured values too; "" where it does not, or where they are none.

    An activation that cuts outputs off where no values lie brings them nearer, however the network was trained.
    """
    linear = [trial.score for trial in most_rows(rivals) if trial.candidate.output == "linear"] if rivals else []
    if value == "linear" or not find_task(task).measured or max(linear, default=0.0) <= 0:
        return ""
    return f"an output cut off where no values lie is nearer however trained, and linear ones explain {max(linear):.0%}"


def _figure(task: str, trial: Trial) -> str:
    return find_task(task).score.shown(trial.score)


def _tied_relatives(name: Fact, chosen: Trial, relatives: Sequence[Trial], task: str) -> list[str]:
    """Give the values of relatives that do not do significantly worse, with their scores."""
    tied: dict[str, str] = {}
    for trial in sorted(relatives, key=by_merit):
        if not better(chosen, trial):
            value = name(trial.candidate)
            tied.setdefault(value, f"{value} {_figure(task, trial)}")
    return list(tied.values())


def level(firm: bool) -> Confidence:
    """Name how firm a guess is; a guess is never certain."""
    return "likely" if firm else "uncertain"


def assumed(candidate: Candidate, facts: Mapping[str, Fact], given: Mapping[str, str | None]) -> dict[str, Inference]:
    """Give the facts where there are no labels: what the user states is certain, everything else a convention."""
    inferred = {}
    for fact, name in facts.items():
        option = OPTIONS.get(fact, "")
        if given.get(option):
            inferred[fact] = Inference(name(candidate), "certain", f"given with --{option}")
        else:
            why = "assumed: without labels nothing can be tested"
            inferred[fact] = Inference(name(candidate), "uncertain", why)
    return inferred
