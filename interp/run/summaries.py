"""Lines for the terminal: what is in a file, how it was read, and what was not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interp.checkpoints.inspection import widths
from interp.tasks import find_task
from interp.types import Limit, LoadedModel


def counted(number: int, what: str) -> str:
    """Give a number with its noun.

    Examples
    --------
    >>> counted(1, "layer"), counted(1200, "node")
    ('1 layer', '1,200 nodes')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def level_words(row: Mapping[Any, Any]) -> str:
    """Name the level of a row of `Effects.whole_layers` or `RunEffects.table`.

    Examples
    --------
    >>> level_words({"level": 0.25, "no_op": False}), level_words({"level": float("nan"), "no_op": True})
    ('0.25', 'the no-op')
    """
    return "the no-op" if row["level"] != row["level"] else f"{row['level']:g}"  # NaN differs from itself


def limited(limits: Iterable[Limit]) -> Iterator[str]:
    """Yield a line for everything of which not all was looked at."""
    for limit in limits:
        yield f"only {limit.looked_at:,} of {limit.of:,} {limit.what}: {limit.rule} ({limit.lift})"


def one_line(model: LoadedModel) -> str:
    """Say how a file was read: architecture, activation, scaling, output and accuracy, guesses marked as such."""
    chain = widths(model)
    facts = ["-".join(map(str, chain)) if chain else f"architecture {model.inferred['architecture'].value}"]
    for fact in ("activation", "input_scaling", "output"):
        said = model.inferred[fact]
        mark = "" if said.confidence == "certain" else f" ({said.confidence})"
        facts.append(f"{fact.replace('_', ' ')} {said.value}{mark}")
    name = find_task(model.task).score
    facts += [f"{split} {name.words} {name.shown(value)}" for split, value in model.scores.items()]
    return ", ".join(facts)


def describe(found: Mapping[str, Any]) -> str:
    """Lay an inspection out for the terminal: the layers, then each inferred fact with its evidence."""
    lines = [f"{found['path']}  ({found['format']})"]
    lines += [f"  {la['name']}: {la['kind']}, {la['nodes']} nodes, {la['activation']}" for la in found["layers"]]
    name = find_task(found["task"]).score
    lines += [f"  {name.words} on {split}: {name.shown(value)}" for split, value in found["score"].items()]
    for fact, said in found["inferred"].items():
        lines += [f"  {fact}: {said['value']}  [{said['confidence']}]", f"      {said['evidence']}"]
    lines += [f"  not covered: {name}: {why}" for name, why in found["skipped"].items()]
    return "\n".join(lines)
