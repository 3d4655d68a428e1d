"""Sweeps of several independently trained networks as one table: intervals, paired t-tests, Cohen's d."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from interp.analysis import mean_interval, paired_runs
from interp.errors import UsageError
from interp.interventions.readouts.rows import corrected
from interp.types import Effects, LoadedModel, RunEffects
from interp.types.annotations.frames import pd

KEYS = ["layer", "intervention", "level", "no_op", "split"]


def over_runs(models: Sequence[LoadedModel], swept: Sequence[Effects]) -> RunEffects:
    """Test every level over networks, each against its own unperturbed score.

    Intervals and tests are over networks: `mean_interval` of scores, t intervals of changes, paired t-tests, and
    Cohen's d of the paired differences.

    Parameters
    ----------
    models
        Networks of one architecture, trained independently.
    swept
        Sweeps of their layers over the same data and levels, in the order of `models`.

    Returns
    -------
    effects
        Means over runs with their intervals and tests, each run alone, and the runs.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> from interp.interventions import InterventionOptions, intervene, output_ranges
    >>> small = {"curve_levels": 0, "control_samples": 0, "inputs": 50}
    >>> options = InterventionOptions(levels=2, ablation=False, interventions=("zero",), **small)
    >>> models, swept = [], []
    >>> for name in ("relu", "abs"):  # stand for two runs of one architecture
    ...     model, data = load_model(f"zoo/pretrained/{name}-digits.pt")
    ...     ranges = {"hidden": output_ranges(model, model.layers[0], data.train.inputs)}
    ...     models.append(model)
    ...     swept.append(intervene(model, data, ranges, {}, options))
    >>> found = over_runs(models, swept)
    >>> found.table[["split", "level", "runs"]].values.tolist()
    [['train', 0.0, 2], ['train', 1.0, 2], ['test', 0.0, 2], ['test', 1.0, 2]]
    """
    single = pd.concat([_whole(effects).assign(run=run) for run, effects in enumerate(swept)], ignore_index=True)
    rows = [
        dict(zip(KEYS, key, strict=True)) | _tested(part)
        for key, part in single.groupby(KEYS, sort=False, dropna=False)
    ]
    table = corrected(pd.DataFrame(rows).assign(q_value=np.nan), "layer", "intervention", "split")
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

    Parameters
    ----------
    models
        Networks that are known to be of one architecture, at least one.
    model
        Network to compare with them.

    Raises
    ------
    UsageError
        If its layers differ, or it is one of the others again: the same file twice is one run, not two.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> relu, _ = load_model("zoo/pretrained/relu-digits.pt")
    >>> absolute, _ = load_model("zoo/pretrained/abs-digits.pt")
    >>> same_architecture([relu], absolute)
    Traceback (most recent call last):
        ...
    interp.errors.UsageError: ...
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
