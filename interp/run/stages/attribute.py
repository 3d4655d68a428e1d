"""Set Captum's node importance beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from interp.run.recorded import each_layer
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.types import Attribution, NodeLayer, Recording
from interp.verdict.attribution.attribute import attribute, conductances


def run(run: Run) -> dict[str, Attribution]:
    """Score the nodes of every hidden layer, on the test split where there is one.

    Parameters
    ----------
    run
        Model, data, options and folder.

    Returns
    -------
    dict
        Layer name -> importance of its nodes.
    """
    split, layers, options = run.data.splits.get("test", run.data.train), attributed(run), run.options.attribution
    known = cache(lambda: conductances(run.model, layers, split, options))  # one pass for all layers, if one is wanted

    def one(layer: NodeLayer, recording: Recording) -> Attribution:
        return attribute(run.model, layer, split, options, known()[layer.name])

    return each_layer(run, one, layers)


def attributed(run: Run) -> tuple[NodeLayer, ...]:
    """Give the hidden layers that are attributed."""
    chosen = run.options.attribution.layers
    return tuple(layer for layer in run.model.hidden if not chosen or layer.name in chosen)


def summarise(found: Mapping[str, Attribution]) -> Iterator[str]:
    """Give the rank correlation of both importances in each layer."""
    yield f"{counted(sum(len(own.ablation) for own in found.values()), 'node')} in {counted(len(found), 'layer')}"
    for layer, own in found.items():
        yield f"{layer}: rank correlation {own.rank_correlation:.2f} ({own.low:.2f} to {own.high:.2f})"


STAGE = Stage(
    "attribute",
    does=__doc__,
    file="attribution.h5",
    result=Attribution,
    needs=("record",),
    run=run,
    summarise=summarise,
    options=("attribution",),
    layers=attributed,
    field="attribution",
    is_divided=True,
)
