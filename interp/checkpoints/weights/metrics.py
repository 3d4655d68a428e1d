"""States of metrics that were counted while a network trained, saved beside its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

STATES = (
    {"tp", "fp", "tn", "fn"},
    {"correct", "total"},
    {"correct", "total", "tp", "fp", "tn", "fn"},
    {"confmat"},
    {"mean_value", "weight"},
    {"value", "weight"},
    {"sum_value"},
    {"min_value"},
    {"max_value"},
    {"sum_squared_error", "total"},
    {"sum_squared_error", "sum_error", "residual", "total"},
    {"sum_abs_error", "total"},
    {"sum_abs_error", "sum_scale"},
    {"sum_abs_per_error", "total"},
    {"sum_squared_log_error", "total"},
    {"sum_log_cosh_error", "total"},
    {"sum_error", "sum_squared_error", "sum_target", "sum_squared_target", "num_obs"},
    {"sum_deviance_score", "num_observations"},
    {"mean_x", "mean_y", "max_abs_dev_x", "max_abs_dev_y", "var_x", "var_y", "corr_xy", "n_total"},
    {"mean_x", "mean_y", "var_x", "var_y", "corr_xy", "n_total"},
    {"measure", "total"},
    {"measures", "total"},
    {"score", "total"},
    {"score", "samples"},
    {"score", "num_batches"},
    {"similarity", "total"},
    {"errors", "total"},
    {"errors", "target_total", "preds_total"},
    {"edit_scores", "num_elements"},
    {"total_log_probs", "count"},
    {"preds_len", "target_len", "numerator", "denominator"},
)
"""Names of the tensors that a metric of torchmetrics keeps, all of one metric; those that keep lists have none."""

PLACE = re.compile(r"_\d+$")
"""Ending of the names of a metric over a window, which keeps several of each."""

VECTORS = 1
"""Largest number of axes of a state, but of a table of confusions, whose last two axes are alike."""


def metric_states(state: Mapping[str, Tensor]) -> dict[str, tuple[str, ...]]:
    """Find the metrics among the tensors of a file: names that belong to one, and no others beside them.

    Parameters
    ----------
    state
        Tensors by name.

    Returns
    -------
    dict
        Name of a metric -> names of its tensors in the file.

    Examples
    --------
    >>> import torch
    >>> counts = {f"val_acc.{name}": torch.zeros(10) for name in ("tp", "fp", "tn", "fn")}
    >>> list(metric_states({"fc.weight": torch.zeros(10, 64), **counts}))
    ['val_acc']
    """
    owned: dict[str, list[str]] = {}
    for name in state:
        owned.setdefault(name.rpartition(".")[0], []).append(name)
    return {
        owner: tuple(names)
        for owner, names in owned.items()
        if owner and _kept(names) in STATES and all(_may_be_counted(name, state[name]) for name in names)
    }


def without_metrics(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what metrics keep.

    Parameters
    ----------
    state
        Tensors by name.
    """
    left = {name for names in metric_states(state).values() for name in names}
    return {name: tensor for name, tensor in state.items() if name not in left}


def _kept(names: list[str]) -> set[str]:
    """Name what is kept by names without those of its owner, and once of several of one kind."""
    return {PLACE.sub("", name.rpartition(".")[2]) for name in names}


def _may_be_counted(name: str, tensor: Tensor) -> bool:
    if name.endswith("confmat"):
        return tensor.dim() > VECTORS and tensor.shape[-1] == tensor.shape[-2]
    is_single = name.endswith(("value", "weight")) or PLACE.search(name) is not None
    return tensor.dim() <= (0 if is_single else VECTORS)
