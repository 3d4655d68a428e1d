"""What is inferred of a network's bare weights beside what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inferring.networks import scaling_of
from inferring.specs import Spec
from interp.checkpoints import load_model
from interp.checkpoints.inference.candidates.by_layer import joined
from interp.checkpoints.inference.weighing.explain import named
from interp.data import parse_scaling
from interp.types import Dataset, Inference, Scaling

FACTS = ("activation", "input_scaling")
"""Facts that are counted."""


def outcome(spec: Spec, weights: Path, data: Dataset) -> dict[str, Any]:
    """Open a file of weights with its data; give each fact with whether it is right, or the truth among the named."""
    model, _ = load_model(weights, data)
    truth = scaling_of(spec, data)
    right = {
        "activation": lambda name: name == joined(spec.activations),
        "input_scaling": lambda name: _same(parse_scaling(name, data), truth, data),
    }
    return {"seed": spec.seed, "truth": joined(spec.activations), "fit": model.inferred["fit"].value} | {
        fact: _row(model.inferred[fact], right[fact]) for fact in FACTS
    }


def _row(said: Inference, is_right: Any) -> dict[str, Any]:
    return {
        "value": said.value,
        "confidence": said.confidence,
        "right": bool(is_right(said.value)),
        "named": any(is_right(name) for name in named(said)),
    }


def _same(found: Scaling, truth: Scaling, data: Dataset) -> bool:
    """Whether two scalings give the same to a fiftieth of the spread: printed constants are of all of the data."""
    rows = data.train.inputs[:50]
    first, second = found(rows), truth(rows)
    return bool(np.abs(first - second).max() <= 0.02 * second.std())


def counted(rows: Sequence[dict[str, Any]], fact: str) -> dict[str, int]:
    """Count how a fact was inferred of all networks."""
    said = [row[fact] for row in rows]
    likely = [one for one in said if one["confidence"] == "likely"]
    unsure = [one for one in said if one["confidence"] == "uncertain"]
    return {
        "networks": len(said),
        "right_and_likely": sum(one["right"] for one in likely),
        "right_or_named": sum(one["right"] for one in likely) + sum(one["right"] or one["named"] for one in unsure),
        "right_at_all": sum(one["right"] for one in said),
        "wrong_and_likely": sum(not one["right"] for one in likely),
        "wrong_and_certain": sum(one["confidence"] == "certain" and not one["right"] for one in said),
    }


def confusion(rows: Sequence[dict[str, Any]]) -> str:
    """Write which activation was read where one stands behind all layers: a line each, with what it was taken for."""
    lines = []
    alike = [row for row in rows if "," not in row["truth"]]
    for name in sorted({row["truth"] for row in alike}):
        own = [row["activation"] for row in alike if row["truth"] == name]
        likely = sum(one["right"] and one["confidence"] == "likely" for one in own)
        others = Counter(one["value"] if "," not in one["value"] else "several" for one in own if not one["right"])
        taken = ", ".join(f"{other} {count}" for other, count in others.most_common())
        right = sum(one["right"] for one in own)
        lines.append(
            f"{name:12} {len(own):3} networks: right {right:3} (likely {likely:3}); read as {taken or 'nothing else'}"
        )
    return "\n".join(lines)
