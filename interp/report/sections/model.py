"""Interpretation of the checkpoint: the facts read, and those inferred, with the evidence."""

from __future__ import annotations

import pandas as pd

from interp.checkpoints.inspection import fact_in_words, inspection
from interp.report.tables import cells
from interp.report.tables.numbers import MISSING
from interp.tasks import find_task
from interp.types import Dataset, Limit, LoadedModel, Results, Section, Table

LIMITED = (
    "What was looked at in part only: this network is large, or limits or --quick were asked for. --everything, in "
    "place of --quick, lifts those that were not named; one Gaussian a node, dead and one-sided nodes, and the record "
    "are of all nodes either way."
)
NAMES = {"input_scaling": "input scaling", "input_shape": "input shape"}


def section(results: Results) -> Section:
    """Show how the file was interpreted and how sure that is.

    Parameters
    ----------
    results
        Results of all stages, with the verdict.
    """
    model = results.model
    text = (
        "This is how the file was read. A bare checkpoint holds weights only: the activation, the input scaling and "
        "the sign of the output are then inferred by trying the candidates on data.",
        "Everything below rests on this. Facts marked “uncertain” deserve a check; each can be stated on "
        "the command line, and the page made anew.",
    )
    tables = [Table(_read(results), "What was read.")]
    if model.inferred:
        tables.append(Table(_inferred(model), "What was inferred, how sure that is, and why."))
    if results.limits:
        tables.append(Table(_limits(results.limits), LIMITED))
    if model.skipped:
        tables.append(Table(_skipped(model), "What this page does not cover."))
    return Section("The network", text, (), tuple(tables))


def _read(results: Results) -> pd.DataFrame:
    model = results.model
    found = inspection(model)
    facts = {
        "file": cells.Code(model.path),
        "format": model.format,
        "architecture": _architecture(model, found["widths"]),
        "hidden activation": fact_in_words(found["activation"] or MISSING),
        "input scaling": cells.Code(found["input_scaling"]),
        "output": model.output,
        "task": model.task,
        "data": _data(results),
    }
    name = find_task(model.task).score
    facts |= {f"{split} {name.words}": cells.Shown(score, name.shown(score)) for split, score in model.scores.items()}
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype=object)


def _architecture(model: LoadedModel, widths: list[int] | None) -> str:
    if widths:
        return "-".join(map(str, widths))
    return ", ".join(f"{layer.kind} {layer.inputs} to {layer.nodes}" for layer in model.layers) or MISSING


def _data(results: Results) -> str:
    data = results.data
    splits = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
    return f"{data.name}: {splits}; {inputs_in_words(data)}; {_targets(results)}"


def inputs_in_words(data: Dataset) -> str:
    """Say how many inputs a sample has; of a sequence that is padded its length is none of the values.

    Parameters
    ----------
    data
        Data set.
    """
    return f"{data.width:,} inputs" if data.steps is None else f"{data.width - 1:,} values and a length"


def _targets(results: Results) -> str:
    if words := find_task(results.model.task).described_targets:
        return words
    if results.data.classes:
        return f"{len(results.data.classes)} classes"
    found = results.data.train.targets
    if found is None:
        return "no labels"
    return "1 target a row" if found.shape[1] == 1 else f"{found.shape[1]:,} targets a row"


def _inferred(model: LoadedModel) -> pd.DataFrame:
    facts = model.inferred
    return pd.DataFrame(
        {
            "fact": [NAMES.get(name, name.replace("_", " ")) for name in facts],
            "value": [fact_in_words(fact.value) for fact in facts.values()],
            "confidence": [cells.Badge(fact.confidence, fact.confidence) for fact in facts.values()],
            "evidence": [fact.evidence for fact in facts.values()],
        },
        dtype=object,
    )


def _limits(limits: tuple[Limit, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "what": [limit.what for limit in limits],
            "looked at": [cells.count(limit.looked_at) for limit in limits],
            "of": [cells.count(limit.of) for limit in limits],
            "which": [limit.rule for limit in limits],
            "lifted by": [cells.Code(limit.lift) for limit in limits],
        }
    )


def _skipped(model: LoadedModel) -> pd.DataFrame:
    return pd.DataFrame({"part": [cells.Code(name) for name in model.skipped], "reason": list(model.skipped.values())})
