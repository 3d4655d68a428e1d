"""Tensors that are saved beside the weights without being any: counters, averaged copies, observers, losses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

AVERAGED = ("ema.", "ema_model.", "model_ema.", "averaged_model.", "swa_model.", "ema_network.")
NEVER_WEIGHTS = {
    r"^(n_averaged|initted|step|global_step|epoch)$": "counters",
    r"(^|\.)\w*fake_quant(_\d+)?\.|(^|\.)_(input|weight|output)_quantizer\.": (
        "settings of quantisation-aware training, whose rounding to few bits is not run: weights are the floats that"
        " were trained"
    ),
    r"(^|\.)(activation_post_process|observer)(_\d+)?\.": "quantisation observers",
    r"^(criterion|loss|loss_fn|loss_func|loss_function)\.": "numbers of the loss",
}
"""Pattern of a name -> what tensors of such names are."""

QUANTISED = "scales of quantised activations, which run as floats here"

SCALE = re.compile(r"_(scale|zero_point)_(\d+)$")
"""Ending of the name of a scale or zero point in a graph that torch.ao quantised, such as ``fc_input_scale_0``."""

OTHER = {"scale": "zero_point", "zero_point": "scale"}
"""One of the two numbers of a rounding -> the other, which is saved beside it."""


def is_companion(name: str) -> bool:
    """Whether a tensor of such a name is never a weight, so that its values do not matter.

    Parameters
    ----------
    name
        Name of the tensor; those of observers that have seen nothing hold infinities.

    Examples
    --------
    >>> is_companion("fc1.activation_post_process.min_val"), is_companion("fc1.weight")
    (True, False)
    """
    return any(re.search(pattern, name) for pattern in NEVER_WEIGHTS)


def without_averaged_copy(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Leave out a moving average that is saved beside the network it follows, and say so."""
    for prefix in AVERAGED:
        rest = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
        if 0 < len(rest) < len(state) and any(tensor.dim() > 1 for tensor in rest.values()):
            return rest, (f"the averaged copy under {prefix!r} was left",)
    return dict(state), ()


def without_companions(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Leave out what no layer computes with, and say what it was."""
    kinds = {name: kind for name in state if (kind := _companion(name, state)) is not None}
    names = {kind: [name for name in kinds if kinds[name] == kind] for kind in kinds.values()}
    notes = tuple(f"left out: {kind} ({shorten(own)})" for kind, own in names.items())
    return {name: tensor for name, tensor in state.items() if name not in kinds}, notes


def _companion(name: str, state: Mapping[str, Tensor]) -> str | None:
    known = next((kind for pattern, kind in NEVER_WEIGHTS.items() if re.search(pattern, name)), None)
    parent, _, own = name.rpartition(".")
    beside = f"{parent}." if parent else ""
    if known is None and own in ("scale", "zero_point") and {f"{beside}scale", f"{beside}zero_point"} <= state.keys():
        return QUANTISED
    of_input = SCALE.sub(lambda found: f"_{OTHER[found[1]]}_{found[2]}", name)
    return QUANTISED if known is None and of_input != name and of_input in state else known


def shorten(names: list[str], shown: int = 3) -> str:
    """Give the first few names, and how many more there are."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
