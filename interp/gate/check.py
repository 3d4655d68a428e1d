"""The gate: a network and conditions in, pass or fail out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interp.gate.against import conditions_against, read_baseline
from interp.gate.conditions import Condition, Outcome, parse_conditions
from interp.gate.facts import Facts, facts_of
from interp.run import Run, locked, run_stages
from interp.run.pipeline import Listener, evidence_of
from interp.verdict.alerts import alerts

DEFAULT = "alert:error"
"""Condition where the user names none: any alert that is an error."""


@dataclass(frozen=True)
class Gate:
    """Outcome of all conditions.

    Attributes
    ----------
    network
        Network that was checked, by its path or name.
    data
        Name of the data set.
    outcomes
        Outcome of each condition, in order.
    seconds
        Time that it took, in seconds.

    Examples
    --------
    >>> gate = Gate("net.pt", "digits", (Outcome("dead>5%", False, "dead is 12.5%"),))
    >>> gate.passed, gate.lines()
    (False, ['FAIL  dead>5%: dead is 12.5%'])
    """

    network: str
    data: str
    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every condition is passed."""
        return all(outcome.passed for outcome in self.outcomes)

    def lines(self) -> list[str]:
        """Give one line a condition."""
        return [str(outcome) for outcome in self.outcomes]


def conditions_of(fail_on: str | None, against: str | Path | None, task: str | None = None) -> list[Condition]:
    """Give the conditions that a user asks for.

    Parameters
    ----------
    fail_on
        Conditions as text, see `parse_conditions`; None for those of the baseline alone, or `DEFAULT` without one.
    against
        The ``report.json`` of an earlier run; None for no such comparison.
    task
        Task that the user names, needed where the earlier run is of one that is code of the user's own.

    Returns
    -------
    list of Condition
        Conditions, those of the user first.

    Raises
    ------
    UsageError
        If a condition cannot be read, or the baseline is of a task that is code and not named.
    MismatchError
        If the baseline cannot be read.

    Examples
    --------
    >>> [condition.text for condition in conditions_of(None, None)]
    ['alert:error']
    """
    said = fail_on if fail_on is not None or against is not None else DEFAULT
    own = [] if said is None else parse_conditions(said)
    return own if against is None else [*own, *conditions_against(read_baseline(against, task), against)]


def facts_for(run: Run, conditions: Sequence[Condition], told: Listener | None = None) -> Facts:
    """Run the stages that some conditions need, and gather the facts.

    Parameters
    ----------
    run
        Model, data, options and folder.
    conditions
        Conditions that are to be judged.
    told
        Function to call for each stage that has come to its end.
    """
    needed = dict.fromkeys(name for condition in conditions for name in condition.stages)
    with locked(run.out):
        found = run_stages(run, list(needed), told) if needed else {}
        fields = {field: part for name, part in found.items() if (field := run.stage(name).field) is not None}
        evidence = evidence_of(run, fields)
        return facts_of(evidence, alerts(evidence))


def judged(run: Run, facts: Facts, conditions: Sequence[Condition], seconds: float = 0.0) -> Gate:
    """Hold facts against conditions.

    Parameters
    ----------
    run
        Model and data, for their names.
    facts
        Facts of the run.
    conditions
        Conditions to be judged.
    seconds
        Time that the run took, in seconds.
    """
    outcomes = tuple(condition.outcome(facts) for condition in conditions)
    return Gate(run.model.path, run.data.name, outcomes, seconds)
