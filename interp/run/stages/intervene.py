"""Scale, clip and shift layers, and silence nodes."""

from __future__ import annotations

from collections.abc import Iterator

from interp.interventions import Ranges, intervene
from interp.run.recorded import recorded
from interp.run.stage import Run, Stage
from interp.run.summaries import counted, level_words
from interp.types import Effects
from interp.types.annotations.frames import pd


def run(run: Run) -> Effects:
    """Sweep the layers and silence the nodes.

    Parameters
    ----------
    run
        Model, data, options and folder.
    """
    with recorded(run) as recording:
        ranges = {name: Ranges(*found) for name, found in recording.output_range.items()}
        return intervene(run.model, run.data, ranges, recording.output_mean, run.options.interventions, run.keep)


def summarise(found: Effects) -> Iterator[str]:
    """Give the least score of every sweep."""
    layers, single = found.whole_layers, counted(len(found.single_nodes), "ablation")
    yield f"{counted(len(layers), 'level')} in {counted(layers['layer'].nunique(), 'layer')}, {single}"
    yield from _sweeps(layers, "layer")
    if not found.groups.empty:
        yield from _sweeps(found.groups, "group")


def _sweeps(table: pd.DataFrame, site: str) -> Iterator[str]:
    for (name, kind, split), part in table.groupby([site, "intervention", "split"], sort=False):
        worst = part.loc[part["score"].idxmin()]
        least = f"least score {worst['score']:.4f} at {level_words(worst)}"
        yield f"{name}, {kind}, {split}: {len(part)} levels, {least}"


STAGE = Stage(
    "intervene",
    does=__doc__,
    file="effects.h5",
    result=Effects,
    needs=("record",),
    run=run,
    summarise=summarise,
    options=("interventions",),
    layers=None,
    field="effects",
    is_divided=True,
)
