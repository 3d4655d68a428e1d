"""Find which part of its nodes' outputs each layer is read at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from interp.recording.positions import position_counts
from interp.run.settings.limits import spread_layers
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.tasks import find_task
from interp.types import NodeLayer, ReadingProfile
from interp.verdict.layers import layer_verdicts
from interp.verdict.reading.networks.subject import is_stepwise, runs_of_a_pass
from interp.verdict.reading.profile import LEAST_P_VALUE
from interp.verdict.reading.read import drawn, not_read, read_layers, too_few
from interp.verdict.reading.significance import copies_needed
from interp.verdict.reading.work import steps_of, work_of

FEWEST = 100
"""Least number of samples that a layer is read on, before layers are left out."""
SPREADS = (6, 4, 3, 2, 1)
"""Numbers of layers, evenly over depth, that are tried where all are too many; of one, the last is read."""


def hidden(run: Run) -> tuple[NodeLayer, ...]:
    """Give the layers before the last."""
    return run.model.hidden


def run(run: Run) -> dict[str, ReadingProfile]:
    """Read as many hidden layers as the work that is allowed is enough for; say of the others why not."""
    layers, task = hidden(run), find_task(run.model.task)
    if not task.counted:
        why = "the test looks for outputs that change which class wins, and this network does not name one class"
        return {layer.name: not_read(why) for layer in layers}
    if why := too_few(run.data):
        return {layer.name: not_read(why) for layer in layers}
    chosen, samples = chosen_layers(run, layers)
    padding = [layer.name for layer in layers if layer.is_stepwise and run.data.steps is not None]
    chosen = [layer for layer in chosen if layer.name not in padding]
    found = read_layers(run.model, run.data, chosen, samples, run.options.reading, run.keep) if chosen else {}
    most = f"{run.options.reading.work:.0e}".replace("e+", "e")
    why = f"reading it beside its copies takes more than the {most} multiplications that are allowed; --everything"
    none = dict.fromkeys(padding, not_read("it takes all time steps at once, and some of them are padding"))
    return {layer.name: {**none, **found}.get(layer.name, not_read(why)) for layer in layers}


def chosen_layers(run: Run, layers: Sequence[NodeLayer]) -> tuple[Sequence[NodeLayer], int]:
    """Give the layers to read, and the largest number of samples: fewer samples first, then fewer layers."""
    asked, counts = run.options.reading, position_counts(run.model, run.data)
    most = asked.images if any(counts[layer.name] > 1 for layer in layers) else asked.samples
    if not asked.work or run.options.limits.everything or not layers:
        return layers, most
    for some in (layers, *(_spread(layers, count) for count in SPREADS if count < len(layers))):
        copies = 2 * (asked.read_copies or copies_needed(len(some), LEAST_P_VALUE))
        for samples in (most, FEWEST):
            each = samples * work_of(run.model, some, counts) + _steps(run, some, counts, samples)
            if copies * each <= asked.work:
                return some, samples
    return (), most


def _steps(run: Run, layers: Sequence[NodeLayer], counts: Mapping[str, int], samples: int) -> int:
    if not is_stepwise(run.model):
        return 0
    _, rows, _ = drawn(run.data, samples, run.options.reading.seed)
    return steps_of(run.model, layers, counts, runs_of_a_pass(run.model, layers[-1:], rows))


def _spread(layers: Sequence[NodeLayer], count: int) -> Sequence[NodeLayer]:
    names = spread_layers(layers, count) if count > 1 else (layers[-1].name,)
    return [layer for layer in layers if layer.name in names]


def summarise(found: Mapping[str, ReadingProfile]) -> Iterator[str]:
    """Give the leaning of each layer."""
    said = layer_verdicts(found)
    read = sum(not own.skipped for own in found.values())
    yield f"{counted(read, 'layer')} read" + (f", {len(found) - read} left out" if read < len(found) else "")
    for one in said:
        own = found[one.layer]
        if own.skipped:
            yield f"{one.layer}: left out: {own.skipped}"
            continue
        yield (
            f"{one.layer}: {one.leaning}; S = {own.balance:+.2f}, p = {one.p_holm:.2g} beside 2 x {one.copies} copies,"
            f" {own.samples:,} of {own.of:,} samples ({own.split}); one cut keeps {own.kept:.0%} of predictions"
        )


STAGE = Stage(
    "read",
    does=__doc__,
    file="reading.h5",
    result=ReadingProfile,
    needs=(),
    run=run,
    summarise=summarise,
    options=("reading", "limits.everything"),
    layers=hidden,
    field="reading",
    is_divided=True,
)
