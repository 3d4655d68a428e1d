"""PyTorch's own layers, built anew from the kind, settings and tensors that a file states."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from torch import nn

from interp.checkpoints.graph.steps import Part
from interp.checkpoints.weights.effective import effective_state

CONV = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
NORM = ("num_features", "eps", "affine", "track_running_stats")
POOL = ("kernel_size", "stride", "padding", "ceil_mode")

LAYERS: dict[str, tuple[str, ...]] = {
    "Linear": ("in_features", "out_features"),
    "Conv1d": CONV,
    "Conv2d": CONV,
    "BatchNorm1d": NORM,
    "BatchNorm2d": NORM,
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine"),
    "PReLU": ("num_parameters",),
    "Threshold": ("threshold", "value"),
    "MaxPool1d": (*POOL, "dilation"),
    "MaxPool2d": (*POOL, "dilation"),
    "AvgPool1d": POOL,
    "AvgPool2d": (*POOL, "count_include_pad", "divisor_override"),
    "AdaptiveAvgPool1d": ("output_size",),
    "AdaptiveAvgPool2d": ("output_size",),
    "AdaptiveMaxPool2d": ("output_size",),
    "Flatten": ("start_dim", "end_dim"),
    "Identity": (),
    "Dropout": ("p",),
    "Dropout1d": ("p",),
    "Dropout2d": ("p",),
    "ReLU": (),
    "ReLU6": (),
    "LeakyReLU": ("negative_slope",),
    "ELU": ("alpha",),
    "SELU": (),
    "CELU": ("alpha",),
    "GELU": ("approximate",),
    "SiLU": (),
    "Mish": (),
    "Softplus": ("beta", "threshold"),
    "Hardtanh": ("min_val", "max_val"),
    "Hardswish": (),
    "Hardsigmoid": (),
    "Tanh": (),
    "Sigmoid": (),
    "Softmax": ("dim",),
    "LogSoftmax": ("dim",),
}
"""Class name in `torch.nn` -> the attributes that its constructor takes under the same names."""


def build_layer(part: Part) -> nn.Module | None:
    """Build one layer with its weights; None for a kind that is not listed or settings that do not fit."""
    if part.kind not in LAYERS:
        return None
    tensors = effective_state(part.tensors).state
    named = {name: part.settings[name] for name in LAYERS[part.kind] if name in part.settings}
    if part.kind in ("Linear", "Conv1d", "Conv2d"):
        named["bias"] = "bias" in tensors
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, on weights without a value, as a damaged file states them
        try:
            with_sizes = getattr(nn, part.kind)(**named, **({"device": "meta"} if tensors else {}))
            expected = {name: tensor.shape for name, tensor in with_sizes.state_dict().items() if tensor.dim()}
            if any(name not in tensors or tensors[name].shape != shape for name, shape in expected.items()):
                return None
            layer: nn.Module = getattr(nn, part.kind)(**named)
            layer.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
        except (TypeError, ValueError, RuntimeError):
            return None
    return layer


def sequential_steps(parts: Mapping[str, Part], name: str = "") -> list[tuple[str, nn.Module]] | None:
    """List the layers of nested `nn.Sequential`s in running order; None if `name` is or holds anything else."""
    if parts[name].kind != "Sequential":
        layer = build_layer(parts[name])
        return None if layer is None else [(name, layer)]
    steps: list[tuple[str, nn.Module]] = []
    for child in parts[name].children:
        inner = sequential_steps(parts, f"{name}.{child}" if name else child)
        if inner is None:
            return None
        steps += inner
    return steps


RUN_AS_THEY_ARE = (
    "torch.nn.parallel.data_parallel.DataParallel",
    "torch.nn.parallel.distributed.DistributedDataParallel",
)
"""Classes of torch's whose forward function does nothing but run what they hold."""


def only_child(parts: Mapping[str, Part]) -> tuple[str, str]:
    """Find the part that does the work: a wrapper's only child, else '' for the whole.

    Returns
    -------
    name
        Dotted name of that part.
    wrapper
        First class round it whose own code may do more than run it; '' if there is none.
    """
    name, wrapper = "", ""
    while parts[name].kind != "Sequential" and len(parts[name].children) == 1 and not parts[name].tensors:
        if parts[name].kind not in RUN_AS_THEY_ARE:
            wrapper = wrapper or parts[name].kind
        name = f"{name}.{parts[name].children[0]}" if name else parts[name].children[0]
    return name, wrapper
