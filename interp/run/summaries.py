"""Lines for the terminal: what is in a file, how it was read, and what was not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interp.checkpoints.inspection import fact_in_words, widths
from interp.tasks import find_task
from interp.types import Limit, LoadedModel


def counted(number: int, what: str) -> str:
    """Give a number with its noun.

    Parameters
    ----------
    number
        Number of things.
    what
        Noun in the singular.

    Examples
    --------
    >>> counted(1, "layer"), counted(1200, "node")
    ('1 layer', '1,200 nodes')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def level_words(row: Mapping[Any, Any]) -> str:
    """Name the level of a row of `Effects.whole_layers` or `RunEffects.table`.

    Parameters
    ----------
    row
        Row of the table, with the column ``level``.

    Examples
    --------
    >>> level_words({"level": 0.25, "no_op": False}), level_words({"level": float("nan"), "no_op": True})
    ('0.25', 'the no-op')
    """
    return "the no-op" if row["level"] != row["level"] else f"{row['level']:g}"  # NaN differs from itself


def limited(limits: Iterable[Limit]) -> Iterator[str]:
    """Yield a line for each part of the network that was left out.

    Parameters
    ----------
    limits
        Parts of the network that the options leave out.

    Examples
    --------
    >>> list(limited([Limit("inputs of the test split", 100, 10_000, "drawn at random", "--inputs")]))
    ['only 100 of 10,000 inputs of the test split: drawn at random (--inputs)']
    """
    for limit in limits:
        yield f"only {limit.looked_at:,} of {limit.of:,} {limit.what}: {limit.rule} ({limit.lift})"


def one_line(model: LoadedModel) -> str:
    """Say how a file was read: architecture, activation, scaling, output and score; guesses are marked as such.

    Parameters
    ----------
    model
        Loaded network.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> one_line(load_model("zoo/pretrained/abs-digits.pt")[0]).split(", ")[:3]
    ['64-48-10', 'activation abs', 'input scaling x/16']
    """
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
    """Lay an inspection out for the terminal: the layers, then each inferred fact with its evidence.

    Parameters
    ----------
    found
        Inspection of a loaded network, from `interp.checkpoints.inspection`.

    Returns
    -------
    str
        Lines of text.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> from interp.checkpoints.inspection import inspection
    >>> describe(inspection(load_model("zoo/pretrained/abs-digits.pt")[0])).splitlines()[1]
    '  hidden: linear, 48 nodes, abs'
    """
    lines = [f"{found['path']}  ({found['format']})"]
    lines += [f"  {la['name']}: {la['kind']}, {la['nodes']} nodes, {la['activation']}" for la in found["layers"]]
    name = find_task(found["task"]).score
    lines += [f"  {name.words} on {split}: {name.shown(value)}" for split, value in found["score"].items()]
    for fact, said in found["inferred"].items():
        lines += [f"  {fact}: {fact_in_words(said['value'])}  [{said['confidence']}]", f"      {said['evidence']}"]
    lines += [f"  not covered: {name}: {why}" for name, why in found["skipped"].items()]
    return "\n".join(lines)
