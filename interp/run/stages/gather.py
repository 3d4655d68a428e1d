"""Gather statistics of every node, in place of writing its pre-activations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interp.analysis.mergeable.splits import Statistics
from interp.ranks import ALONE
from interp.recording.passes import first_pass
from interp.run.parts import Parts
from interp.run.recorded import all_samples
from interp.run.stage import Run, Stage
from interp.run.summaries import counted


def run(run: Run) -> Statistics:
    """Gather the statistics of every split; those of samples that were seen before an interrupt are kept.

    Parameters
    ----------
    run
        Model, data, options and folder.
    """
    keep = replace(run.keep, ranks=ALONE) if isinstance(run.keep, Parts) else run.keep  # of what each makes, its own
    samples = {split: all_samples(run, split) for split in run.data.splits}
    found = {
        split: first_pass(run.model, each, split, keep, run.options.recording.predictions, run.ranks)
        for split, each in samples.items()
    }
    return Statistics(run.model.layers, found)


def summarise(found: Statistics) -> Iterator[str]:
    """Say of how many layers and rows there are statistics."""
    train = found.splits["train"]
    rows = max((own.moments.count for own in train.layers.values()), default=0)
    yield f"statistics of {counted(len(found.layers), 'layer')}, {counted(rows, 'row')} of training; no values"


STAGE = Stage(
    "record",
    does=__doc__,
    file="statistics.h5",
    result=Statistics,
    needs=(),
    run=run,
    summarise=summarise,
    options=("recorded_seed", "recording.predictions", "recording.positions", "store"),
    layers=None,
    inputs=lambda run: {split: whole.digest for split, whole in run.wholes.items()},
    is_divided=True,
)
"""Stage in place of ``record`` where activations are not stored."""
