"""Sweep several networks of one architecture, and test over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tqdm import tqdm

from interp.interventions import intervene, output_ranges, over_runs
from interp.run.stage import Run, Stage
from interp.run.summaries import counted, level_words
from interp.types import Effects, LoadedModel, RunEffects


def run(run: Run) -> RunEffects:
    """Sweep the layers of a run's network and of the others, and test over all of them.

    Parameters
    ----------
    run
        Model, other networks, data, options and folder.
    """
    models = [run.model, *run.others]
    swept = [
        run.keep(f"network {number}", partial(_sweep_of, model, run), Effects)
        for number, model in enumerate(tqdm(models, desc="networks", disable=None))
    ]
    return over_runs(models, swept)


def _sweep_of(model: LoadedModel, run: Run) -> Effects:
    """Sweep whole layers only, in levels of the network's own ranges."""
    inputs = run.data.train.inputs
    ranges = {layer.name: output_ranges(model, layer, inputs) for layer in model.layers}
    plain = replace(run.options.interventions, ablation=False, curve_levels=0, control_samples=0, groups=())
    return intervene(model, run.data, ranges, {}, plain)


def summarise(found: RunEffects) -> Iterator[str]:
    """Give the most harmful level of every sweep, with its test."""
    yield f"{counted(int(found.table['runs'].max()), 'network')}, {counted(len(found.table), 'level')} tested over them"
    for (layer, kind, split), part in found.table.groupby(["layer", "intervention", "split"], sort=False):
        worst = part.loc[part["difference"].idxmin()]
        yield (
            f"{layer}, {kind}, {split}: {worst['runs']} runs, most harmful level {level_words(worst)}:"
            f" {worst['difference']:+.2%} ({worst['difference_low']:+.2%} to {worst['difference_high']:+.2%}),"
            f" d = {worst['effect_size']:.2f}, q = {worst['q_value']:.2g}"
        )


STAGE = Stage(
    "runs",
    does=__doc__,
    file="runs.h5",
    result=RunEffects,
    needs=(),
    run=run,
    summarise=summarise,
    options=("interventions",),
    layers=None,
    field="runs",
    spec="intervene",
    inputs=lambda run: [model.digest for model in run.others],
)
