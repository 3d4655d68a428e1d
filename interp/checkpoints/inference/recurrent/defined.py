"""Facts of a recurrent network that the kinds of its parts define, of which nothing else could be tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.checkpoints.inference.recurrent.parts import Parts, kind_of
from interp.checkpoints.inference.recurrent.readouts import PADDING
from interp.checkpoints.inference.stack.facts import weakest
from interp.types import Dataset, Inference, NodeLayer


def defined_facts(
    parts: Parts, layers: Sequence[NodeLayer], facts: Mapping[str, Inference], data: Dataset | None
) -> dict[str, Inference]:
    """Say of facts that nothing was compared for what defines them, in the words that a network that runs has.

    Parameters
    ----------
    parts
        Parts of the network.
    layers
        Layers with nodes of the network that was built, in running order.
    facts
        Facts as trials on training rows left them.
    data
        Data set; None where there is none.

    Returns
    -------
    dict of Inference
        Name of each such fact -> what is said of it.
    """
    kinds = sorted({kind_of(tensors) for tensors in parts.recurrent.values()})
    said, found = f"defined by the kind of cell: {' and '.join(kinds)}", {}
    if "RNN" not in kinds:
        found["recurrence"] = Inference(facts["recurrence"].value, "certain", said)
    if len(parts.dense) < 2:
        found["activation"] = _of_cells(layers, facts, said, "RNN" in kinds)
    if data is not None and facts["padding"].value == PADDING[2]:
        found["padding"] = Inference(PADDING[2], "certain", "the data name no lengths")
    return found


def _of_cells(layers: Sequence[NodeLayer], facts: Mapping[str, Inference], said: str, is_plain: bool) -> Inference:
    """Name the activations of all layers but the last, with the doubt in those that were tried."""
    value = ", ".join(sorted({layer.activation for layer in layers[:-1]})) or "identity"
    tried = [name for name in ("recurrence",) * is_plain + ("convolutions",) if name in facts]
    if not tried:
        return Inference(value, "certain", said)
    evidence = "; ".join(f"{name} {facts[name].value}: {facts[name].evidence}" for name in tried)
    return Inference(value, weakest(*(facts[name].confidence for name in tried)), evidence)
