"""What is in a checkpoint, as the one JSON-able object that ``inspect --json`` and report.json share."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from interp.tasks import find_task
from interp.types import LoadedModel, NodeLayer, as_json


def inspection(model: LoadedModel) -> dict[str, Any]:
    """Describe a loaded network: what was read, what was inferred and with which evidence.

    Parameters
    ----------
    model
        Network with its facts, and its scores where data were given.

    Returns
    -------
    description
        Keys ``format``, ``path``, ``digest``, ``layers``, ``widths``, ``activation``, ``input_scaling``, ``output``,
        ``trained``, ``task``, ``score`` (by split), ``score_name`` (``accuracy``, ``exact_match`` or ``r2``),
        ``inferred`` and ``skipped``; plain values.
    """
    found: dict[str, Any] = as_json(
        {
            "format": model.format,
            "path": model.path,
            "digest": model.digest,
            "layers": [_layer(layer) for layer in model.layers],
            "widths": widths(model),
            "activation": _activation(model.every_layer),
            "input_scaling": model.scaling.name,
            "output": model.output,
            "trained": model.inferred["trained"].value if "trained" in model.inferred else None,
            "task": model.task,
            "score": model.scores,
            "score_name": find_task(model.task).score.key,
            "inferred": model.inferred,
            "skipped": model.skipped,
        }
    )
    return found


def widths(model: LoadedModel) -> list[int] | None:
    """Give the widths of a plain chain of dense layers, inputs first; None for anything else."""
    layers = model.every_layer
    follows = all(after.inputs == before.nodes for before, after in pairwise(layers))
    if not layers or not follows or any(layer.kind.startswith("conv") for layer in layers):
        return None
    return [layers[0].inputs, *(layer.nodes for layer in layers)]


def _layer(layer: NodeLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "nodes": layer.nodes,
        "inputs": layer.inputs,
        "activation": layer.activation,
    }


def _activation(layers: tuple[NodeLayer, ...]) -> str | list[str] | None:
    """Give the one hidden activation, or all of them in order where they differ."""
    hidden = [layer.activation for layer in (layers[:-1] or layers)]
    return hidden[0] if len(set(hidden)) == 1 else hidden or None


def fact_in_words(value: Any) -> str:
    """Write the value of a fact for a reader: ``yes`` and ``no``, and ``not known`` where nothing tells.

    Parameters
    ----------
    value
        Value of an `Inference`, or of an inspection.

    Examples
    --------
    >>> fact_in_words(None), fact_in_words(True), fact_in_words(["relu", "tanh"]), fact_in_words("x/255")
    ('not known', 'yes', 'relu, tanh', 'x/255')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(fact_in_words, value))
    return "not known" if value is None or value != value else str(value)  # NaN differs from itself
