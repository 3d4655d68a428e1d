"""Sweeps of several independently trained networks as one table: t intervals, paired t-tests, Cohen's d."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from interp.analysis import mean_interval, paired_runs
from interp.errors import UsageError
from interp.interventions.readouts.rows import corrected
from interp.types import Effects, LoadedModel, RunEffects

KEYS = ["layer", "intervention", "level", "no_op", "split"]


def over_runs(models: Sequence[LoadedModel], swept: Sequence[Effects]) -> RunEffects:
    """Test every level over networks, each against its own unperturbed score.

    Parameters
    ----------
    models
        Of one architecture.
    swept
        Sweeps of their layers over the same data and levels, in that order.
    """
    single = pd.concat([_whole(effects).assign(run=run) for run, effects in enumerate(swept)], ignore_index=True)
    rows = [
        dict(zip(KEYS, key, strict=True)) | _tested(part)
        for key, part in single.groupby(KEYS, sort=False, dropna=False)
    ]
    table = corrected(pd.DataFrame(rows).assign(q_value=np.nan), "layer")
    return RunEffects(table, single[["run", *KEYS, "score", "difference"]], _networks(models, swept))


def _whole(effects: Effects) -> pd.DataFrame:
    return effects.whole_layers[[*KEYS, "score", "difference"]]


def _tested(part: pd.DataFrame) -> dict[str, Any]:
    """Sum one level up over its runs."""
    score, change = part["score"].to_numpy(float), part["difference"].to_numpy(float)
    mean, low, high = mean_interval(score)
    test = paired_runs(score - change, score)
    return {
        "runs": len(part),
        "score": mean,
        "low": low,
        "high": high,
        "difference": test.difference,
        "difference_low": test.low,
        "difference_high": test.high,
        "t": test.t,
        "p_value": test.p_value,
        "effect_size": test.effect_size,
    }


def _networks(models: Sequence[LoadedModel], swept: Sequence[Effects]) -> pd.DataFrame:
    rows = [
        (run, model.path, model.digest, str(split), int(part["samples"].iloc[0]), effects.baseline[str(split)])
        for run, (model, effects) in enumerate(zip(models, swept, strict=True))
        for split, part in effects.whole_layers.groupby("split", sort=False)
    ]
    return pd.DataFrame(rows, columns=["run", "checkpoint", "digest", "split", "samples", "score"])


def same_architecture(models: Sequence[LoadedModel], model: LoadedModel) -> None:
    """See that a network is another run of the architecture of some others.

    Raises
    ------
    UsageError
        If its layers differ, or it is one of them again: the same file twice is one run, not two.
    """
    again = next((other for other in models if other.digest == model.digest), None)
    if again is not None:
        raise UsageError(
            model.path, found=f"the same bytes as in {again.path}", expected="another run", do="give each run once"
        )
    ours, theirs = _shape(models[0]), _shape(model)
    if ours != theirs:
        raise UsageError(
            model.path,
            found=f"layers {', '.join(theirs)}",
            expected=f"those of {models[0].path}: {', '.join(ours)}",
            do="give runs of one architecture",
        )


def _shape(model: LoadedModel) -> list[str]:
    return [f"{layer.name} ({layer.inputs} to {layer.nodes}, {layer.activation})" for layer in model.layers]
