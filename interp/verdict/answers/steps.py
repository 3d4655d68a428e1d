"""What to do next: steps in their order, each with the command to type where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interp.types import Alert, Effects, ReadingProfile
from interp.verdict.alerts import ALERTS
from interp.verdict.commands import command
from interp.verdict.evidence import Evidence
from interp.verdict.layers import NO_COPIES
from interp.verdict.reading.options import MOST_COPIES
from interp.verdict.words import layers_named

MOST_STEPS = 5
"""Largest number of steps that are named; what one page answers is one step."""


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes
    ----------
    do
        Sentence that says what to do.
    place
        Place of the page that shows why.
    command
        Command to type; empty where there is none. Words in capitals are for the reader to fill in.
    """

    do: str
    place: str
    command: str = ""


def what_next(found: Evidence, alerts: Sequence[Alert]) -> Iterator[Step]:
    """Say what to do: about alerts and undecided layers; else where to look.

    Parameters
    ----------
    found
        Results of a run.
    alerts
        Alerts that these results raise, the worst first.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> alert = Alert("untrained", "error", "Weights are random.", "Check the file.", command="interp inspect net.pt")
    >>> [(step.do, step.command) for step in what_next(Evidence(model, data), (alert,))]
    [('Check the file.', 'interp inspect net.pt')]
    """
    if any(alert.name == "untrained" for alert in alerts):  # all else would be about random weights
        yield from _about_alerts([alert for alert in alerts if alert.name == "untrained"])
        return
    steps = _without_repeats([*_about_alerts(_by_importance(alerts)), *_about_layers(found)])
    yield from steps[:MOST_STEPS] or _where_to_look(found.effects, found.hidden)


def _without_repeats(steps: Sequence[Step]) -> list[Step]:
    """Leave out steps whose command an earlier one has already with further options, or which say the same to do."""
    kept: list[Step] = []
    for step in steps:
        if not step.command or not any(_is_part(step, one) for one in kept):
            kept.append(step)
    return kept


def _is_part(step: Step, other: Step) -> bool:
    """Whether another step does this one too; one with the same command may ask for something else besides."""
    words, others = set(step.command.split(" ")), set(other.command.split(" "))
    return words < others or (words == others and "RETRAINED" not in words)


def _by_importance(alerts: Sequence[Alert]) -> list[Alert]:
    """Order alerts as the list does, errors first: a note on the score comes before a warning about dead nodes."""
    rank = {name: i for i, name in enumerate(ALERTS)}
    return sorted(alerts, key=lambda alert: (alert.severity != "error", rank.get(alert.name, len(rank))))


def _about_alerts(alerts: Sequence[Alert]) -> Iterator[Step]:
    """Say what to do about each, in their order, and the same only once, with all options in one command."""
    commands: dict[tuple[str, str], list[str]] = {}
    for alert in alerts:
        commands.setdefault((alert.do, alert.place), []).append(alert.command)
    for (do, place), typed in commands.items():
        yield Step(do, place, _together(typed))


def _together(commands: Sequence[str]) -> str:
    """Give one command with the options of all, which are alike but for their last ones."""
    first, *others = (command.split(" ") for command in dict.fromkeys(commands))
    return " ".join([*first, *(word for other in others for word in other[_alike(first, other) :])])


def _alike(first: Sequence[str], other: Sequence[str]) -> int:
    """Count the words that two commands begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(first, other, strict=False)) if a != b), min(len(first), len(other)))


def _about_layers(found: Evidence) -> Iterator[Step]:
    """Say how an undecided layer may be decided."""
    undecided = [one.layer for one in found.layers if one.why == NO_COPIES]
    drawn = max((_drawn(found.reading[name]) for name in undecided), default=MOST_COPIES)
    if drawn < MOST_COPIES:
        copies = min(4 * max(drawn, 50), MOST_COPIES)
        more = command(found, f"report {{checkpoint}} {{options}} --read-copies {copies}")
        yield Step(f"Read {layers_named(undecided)} again with more copies.", "reading", more)


def _drawn(own: ReadingProfile) -> int:
    """Count the copies of one kind that were drawn, with those that have no balance."""
    return max(len(values) for values in own.copied_balance.values())


def _where_to_look(effects: Effects, hidden: Sequence[str]) -> Iterator[Step]:
    """Lead to the hidden node whose silencing costs most on the samples that chose it."""
    table = effects.training_nodes if len(effects.training_nodes) else effects.tested_nodes
    table = table[table["layer"].isin(hidden)] if len(table) else table
    if not len(table) or table["difference"].isna().all():
        return
    worst = table.loc[table["difference"].idxmin()]
    name = f"{worst['layer']}:{int(worst['node'])}"
    yield Step(f"Look at {name}: silencing it costs most in training. Nothing has to be mended.", name)
