"""Choices that were tried on training rows: what is said of one fact of the best, beside the other values of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from interp.checkpoints.inference.candidates.trial import scores_differ
from interp.checkpoints.inference.explain import level
from interp.tasks import find_task
from interp.types import Array, Inference

Choice = TypeVar("Choice")

KEPT = 8
"""Number of the best choices of a first round that are finalists, beside the best of each value of a fact."""


@dataclass(frozen=True)
class Tried(Generic[Choice]):
    """A choice with its scores on some rows.

    Attributes
    ----------
    choice
        Choice that was tried.
    per_sample
        Per-sample scores, (S,).
    loss
        Mean loss of a row.
    """

    choice: Choice
    per_sample: Array
    loss: float

    @property
    def merit(self) -> tuple[float, float]:
        """Key that sorts the best first; losses that differ by rounding alone are equal."""
        return -float(self.per_sample.mean()), round(self.loss, 6)


def explained(
    value: Callable[[Choice], str],
    best: Tried[Choice],
    tried: Sequence[Tried[Choice]],
    task: str,
    only: str = "certain",
    option: str = "",
) -> Inference:
    """Give the value of a fact beside the best choice with each other value; firm where all of these do worse.

    Parameters
    ----------
    value
        Function that reads the fact off a choice.
    best
        Trial of the choice that stands.
    tried
        Trials of all choices, on the same rows.
    task
        Name of the task, for `interp.tasks.find_task`.
    only
        Confidence where no other value was possible.
    option
        Option with which the user states the value; empty where none was stated.
    """
    own = value(best.choice)
    if option:
        return Inference(own, "certain", f"given with --{option}")
    described = find_task(task).described
    evidence = f"{described(float(best.per_sample.mean()))} on {len(best.per_sample):,} training rows"
    others: dict[str, Tried[Choice]] = {}
    for one in sorted(tried, key=lambda each: (-each.per_sample.mean(), each.loss)):
        if value(one.choice) != own:
            others.setdefault(value(one.choice), one)
    if not others:
        return Inference(own, "likely" if only == "likely" else "certain", f"{evidence}; nothing else fits")
    second = next(iter(others.values()))
    evidence += f"; next best {value(second.choice)} {described(float(second.per_sample.mean()))}"
    tied = [name for name, one in others.items() if not scores_differ(best.per_sample, one.per_sample)]
    return Inference(own, level(not tied), evidence + (f"; not told apart: {', '.join(tied)}" if tied else ""))


def assumed(value: Callable[[Choice], str], choices: Sequence[Choice], option: str = "") -> Inference:
    """Give the usual value of a fact, which nothing tests.

    Parameters
    ----------
    value
        Function that reads the fact off a choice.
    choices
        All choices, the usual one first.
    option
        Option with which the user states the value; empty where none was stated.
    """
    own = value(choices[0])
    if option:
        return Inference(own, "certain", f"given with --{option}")
    if len({value(choice) for choice in choices}) == 1:
        return Inference(own, "certain", "nothing else fits")
    return Inference(own, "uncertain", "assumed: without labels nothing can be tested")


def finalists(tried: Sequence[Tried[Choice]], facts: Sequence[Callable[[Choice], str]]) -> list[Choice]:
    """Keep the best choices, and the best with each value of each fact, in the order in which they were tried.

    Parameters
    ----------
    tried
        Trials of all choices on few rows.
    facts
        Functions that read facts off a choice.
    """
    ranked = sorted(tried, key=lambda one: one.merit)
    kept = ranked[:KEPT]
    for value in facts:
        best: dict[str, Tried[Choice]] = {}
        for one in ranked:
            best.setdefault(value(one.choice), one)
        kept += best.values()
    chosen = {id(one.choice) for one in kept}
    return [one.choice for one in tried if id(one.choice) in chosen]
