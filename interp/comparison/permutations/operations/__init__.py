"""What elementary operations do with the axes of their arrays: which entries meet, which stay apart."""

from __future__ import annotations

from torch import fx

from interp.comparison.permutations.operations.forms import (
    expanded,
    gathered,
    halves,
    permuted,
    pointwise,
    reshaped,
    same,
    selected,
    sliced,
    split,
    unbound,
)
from interp.comparison.permutations.operations.known import (
    Known,
    Rule,
    is_pointwise,
    name_of,
    unknown,
)
from interp.comparison.permutations.operations.layers import (
    attention,
    channel_norm,
    embedding,
    group_norm,
    item,
    layer_norm,
)
from interp.comparison.permutations.operations.sums import convolution, positions, product, reduced

__all__ = ["Known", "rule_of"]

_RULES: dict[Rule, tuple[str, ...]] = {
    same: (
        *("clone", "detach", "alias", "contiguous", "_to_copy", "lift_fresh", "lift_fresh_copy"),
        *("_softmax", "_log_softmax", "softmax", "_safe_softmax"),
    ),
    reshaped: ("view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "flatten", "unflatten", "view_copy"),
    expanded: ("expand",),
    permuted: ("permute", "transpose", "t"),
    selected: ("select",),
    unbound: ("unbind",),
    sliced: ("slice",),
    split: ("split", "split_with_sizes"),
    halves: ("glu",),
    gathered: ("cat", "stack"),
    product: ("mm", "addmm", "bmm", "baddbmm"),
    convolution: ("convolution",),
    reduced: ("mean", "sum", "amax", "amin", "logsumexp"),
    positions: (
        *("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d", "adaptive_max_pool2d"),
        *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "constant_pad_nd", "upsample_nearest2d"),
        *("upsample_bilinear2d", "reflection_pad2d", "replication_pad2d"),
    ),
    channel_norm: ("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
    group_norm: ("native_group_norm",),
    layer_norm: ("native_layer_norm", "_fused_rms_norm"),
    attention: (
        *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
        *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
        *("_scaled_dot_product_attention_math", "scaled_dot_product_attention"),
    ),
    embedding: ("embedding",),
    item: ("getitem",),
}

RULES: dict[str, Rule] = {name: rule for rule, names in _RULES.items() for name in names}
"""Name of an operation -> what it does with axes."""


def rule_of(node: fx.Node) -> Rule:
    """Give the rule of an operation; for one that is not known, that everything keeps its order.

    Parameters
    ----------
    node
        Operation of a recorded graph.

    Examples
    --------
    >>> import torch
    >>> graph = fx.Graph()
    >>> rule_of(graph.call_function(torch.ops.aten.mm.default)).__name__
    'product'
    """
    return RULES.get(name_of(node)) or (pointwise if is_pointwise(node) else unknown)
