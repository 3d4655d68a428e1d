"""What a reader must know before trusting the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.tasks import find_task
from interp.types import Boundaries, Dataset, Limit, LoadedModel
from interp.verdict.words import MANY_LAYERS, some

MANY_DEAD = 0.2


def alerts(
    model: LoadedModel, data: Dataset, boundaries: Mapping[str, Boundaries], limits: Sequence[Limit] = ()
) -> list[str]:
    """List what a reader must know before trusting the page."""
    found = [
        f"{fact.replace('_', ' ')} is a guess that the data do not settle: {said.value} ({said.evidence})"
        for fact, said in model.inferred.items()
        if said.confidence == "uncertain" and said.value is not None and fact != "trained"
    ]
    if model.inferred["trained"].value is not True:
        found.append(f"trained: {model.inferred['trained'].evidence}")
    fit = model.inferred.get("fit")
    if fit is not None and fit.value != "as expected":
        found.append(f"the network as it was read is {fit.value}: {fit.evidence}")
    if find_task(model.task).answers(data.train) is None:
        found.append("no labels: accuracy below means agreement with the unperturbed predictions")
    if "test" not in data.splits:
        found.append("no test split: everything is measured on the data that was fitted")
    found += _dead_layers({name: part.counts["dead"] / len(part.kind) for name, part in boundaries.items()})
    unknown = sorted({layer.name for layer in model.layers if layer.activation == "custom"})
    if unknown:
        found.append(
            f"{', '.join(unknown)}: an activation of its own making follows, so output ranges and means"
            " are those of z, and intervention levels with them"
        )
    if limits:
        parts = "; ".join(f"{limit.looked_at:,} of {limit.of:,} {limit.what}" for limit in limits)
        found.append(f"looked at in part only ({parts}): see “The network” for which, and how to lift it")
    if model.skipped:
        found.append(f"not covered: {_not_covered(model.skipped)}")
    return found


def _dead_layers(shares: Mapping[str, float]) -> list[str]:
    many = {name: share for name, share in shares.items() if share > MANY_DEAD}
    if len(many) <= MANY_LAYERS:
        return [f"{share:.0%} of the nodes of {name} are dead" for name, share in many.items()]
    return [f"more than {MANY_DEAD:.0%} of the nodes are dead in each of {len(many)} layers: {some(list(many))}"]


def _not_covered(skipped: Mapping[str, str]) -> str:
    """List the parts, those with one reason together."""
    parts: dict[str, list[str]] = {}
    for name, why in skipped.items():
        parts.setdefault(why, []).append(name)
    return "; ".join(f"{some(names)} ({why})" for why, names in parts.items())
