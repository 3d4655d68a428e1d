"""What the shapes of a bare state dict say of its network, and how firmly."""

from __future__ import annotations

from collections.abc import Sequence

from interp.checkpoints.inference.stack.layers import Layer
from interp.types import Confidence, Dataset, Inference

BESIDE = "a state dict does not show what runs beside its layers, such as the shortcuts of residual blocks"
GROUPED = "convolutions read fewer channels than stand before them, as they do in groups"
ENDED = "no dense layer: scores are taken to be one value a channel of the last convolution"


def weakest(*confidences: Confidence) -> Confidence:
    """Give the least sure of some confidences."""
    order: tuple[Confidence, ...] = ("certain", "likely", "uncertain")
    return max(confidences, key=order.index)


def stack_facts(
    layers: Sequence[Layer], data: Dataset | None, notes: Sequence[str], most: Confidence = "certain"
) -> dict[str, Inference]:
    """Name the widths, and the groups of convolutions where there are any.

    A chain of dense layers is what its shapes say, unless a width comes back, so that a shortcut fits. Convolutions may
    have others beside them, so a chain of them is likely at most; without labels to try it on, groups and an end in
    convolutions are uncertain.

    Parameters
    ----------
    layers
        Layers in running order.
    data
        Data that the network is shown; None without data.
    notes
        Sentences on how the order was found.
    most
        Highest confidence that a plain chain can have, by what else is known.
    """
    grouped = any(layer.groups > 1 for layer in layers)
    convolutions = [layer for layer in layers if layer.is_convolution]
    tried = data is not None and (data.train.labels is not None or data.train.targets is not None)
    widths = (layers[0].channels, *(len(layer.weight) for layer in layers))
    beside = bool(convolutions) or len(set(widths)) < len(widths)
    firm = weakest(most, "likely" if beside else "certain")
    if (grouped or layers[-1].is_convolution) and not tried:
        firm = "uncertain"
    reasons = [*notes, *[GROUPED] * grouped, *[ENDED] * layers[-1].is_convolution, *[BESIDE] * beside]
    facts = {"architecture": Inference("-".join(map(str, widths)), firm, "; ".join(reasons))}
    if grouped:
        groups = "-".join(str(layer.groups) for layer in convolutions)
        facts["groups"] = Inference(groups, firm, f"one a convolution; {GROUPED}")
    return facts
