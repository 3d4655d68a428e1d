"""The recording as stages read it, a layer at a time."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from interp.analysis.components.values import NodeValues, values_of
from interp.analysis.mergeable.splits import Statistics, confusion_counts
from interp.analysis.threads import alone, in_order, processors
from interp.errors import MismatchError
from interp.network.copies import can_run_in_a_fork, one_thread
from interp.network.inputs import as_tensor, device_of, outputs_on
from interp.network.maps.affine import affine_map
from interp.recording import layer_rows
from interp.recording.computed import computed_recording
from interp.recording.passes import GatheredValues, Samples, samples_of, samples_of_whole
from interp.recording.predictions import are_counted
from interp.run.processes import can_fork, side_by_side
from interp.run.settings.begun import as_recorded
from interp.run.stage import Run
from interp.store import check_same, open_recording
from interp.store.shards.opening import is_recorded
from interp.tasks import NO_PREDICTION
from interp.types import Array, LayerRows, NodeLayer, Recording

Result = TypeVar("Result")

LAYERS_A_THREAD = 4
"""Least number of layers for each thread that layers are worked on at once from: fewer are seldom of one size."""

ROOM = 200_000_000
"""Largest number of values of the layers that are worked on at once: 800 MB."""

MOST_NAMES = 8
"""Largest number of layers that an error names."""

_NETWORK = threading.RLock()
"""Held by whoever runs the network, whose hooks are its own."""


def recorded(run: Run, split: str = "train") -> Recording:
    """Open one split of a run's recording; close it, or use it in a ``with`` block.

    Parameters
    ----------
    run
        Run whose folder holds the recording, or the statistics in its place.
    split
        Name of the split.

    Returns
    -------
    Recording
        Pre-activations of all layers, from the file; without one computed when they are asked for.

    Raises
    ------
    MismatchError
        If it is missing, or of another model or data set, or of layers that are read in another way.
    """
    stage, path = run.stage("record"), run.path("record")
    found = gathered(run)
    recording = open_recording(path, split) if found is None else _computed(run, split, found)
    with ExitStack() as failed:
        failed.callback(recording.close)
        check_same(path, recording.provenance, run.provenance, stage.command)
        _check_layers(path, recording.layers, run.model.layers, stage.command)
        failed.pop_all()
    return recording


def _check_layers(path: Path, found: Sequence[NodeLayer], wanted: Sequence[NodeLayer], command: str) -> None:
    """Refuse a recording of other layers than are looked at now."""
    if tuple(found) == tuple(wanted):
        return
    theirs, ours = ([layer.name for layer in layers] for layers in (found, wanted))
    if theirs != ours:
        option, said, expected = "--only", f"layers {_some(theirs)}", f"layers {_some(ours)}"
    elif other := _other_activation(found, wanted):
        layer, expected = other
        option, said = "--activation", f"the activation {layer.activation} of layer {layer.name}"
    else:  # they were read in another way
        own = "the network's own"
        raise MismatchError(path, found=f"layers {_some(theirs)}", expected=own, do=f"run `{command}`")
    do = f"give the same {option} as the recording was made with, or run `{command}`"
    raise MismatchError(path, found=said, expected=expected, do=do)


def _other_activation(found: Sequence[NodeLayer], wanted: Sequence[NodeLayer]) -> tuple[NodeLayer, str] | None:
    """Give the first layer that was recorded with another activation, and its own; None where more differs."""
    pairs = [*zip(found, wanted, strict=True)]
    if any(replace(one, activation=own.activation) != own for one, own in pairs):
        return None
    return next((one, own.activation) for one, own in pairs if one != own)


def _some(names: Sequence[str]) -> str:
    """Name layers in an error, of many the first."""
    named = ", ".join(names[:MOST_NAMES]) or "none"
    return named if len(names) <= MOST_NAMES else f"{named} and {len(names) - MOST_NAMES:,} more"


def gathered(run: Run) -> Statistics | None:
    """Read the statistics of a run without a recording; give None of one with a recording.

    Parameters
    ----------
    run
        Run whose folder holds one or the other.
    """
    return run.read("record") if run.stage("record").result is Statistics else None


def _computed(run: Run, split: str, found: Statistics) -> Recording:
    """Give a recording of the data at hand, with what is known of all samples."""
    outputs = {name: own.outputs for name, own in found.splits[split].layers.items() if own.outputs is not None}
    provenance, begun = run.provenance_of("record"), as_begun(run).options
    seed, how = begun.recorded_seed, begun.recording
    recording = computed_recording(
        run.model, run.data, split, outputs, provenance, seed, _NETWORK, how.predictions, how.positions
    )
    return replace(recording, layers=found.layers)


def as_begun(run: Run) -> Run:
    """Give a run that looks at what its folder's recording, or the statistics in its place, was made of.

    Parameters
    ----------
    run
        Run whose folder holds one or the other.
    """
    return replace(run, options=as_recorded(run.options, run.provenance_of("record"), run.path("record")))


def all_samples(run: Run, split: str) -> Samples:
    """Give all samples of a split, to be read block by block.

    Parameters
    ----------
    run
        Run with the network and its data.
    split
        Name of the split.
    """
    seed, positions = run.options.recorded_seed, run.options.recording.positions
    if split in run.wholes:
        return samples_of_whole(run.model, run.data, split, run.wholes, seed, positions)
    return samples_of(run.model, run.data, split, seed, positions)


def samples_behind(run: Run) -> int:
    """Count the training samples that fits are of.

    Parameters
    ----------
    run
        Run whose folder holds a recording, or statistics.
    """
    found = gathered(run)
    return len(run.data.train) if found is None else found.splits["train"].samples


def values_for_fit(run: Run, bins: int) -> tuple[Callable[[NodeLayer, Recording], NodeValues], bool]:
    """Give a function that takes what the fit of a layer needs: of its recorded values, or of statistics.

    Parameters
    ----------
    run
        Run whose folder holds a recording, or statistics.
    bins
        Number of bins of the histograms.

    Returns
    -------
    function, bool
        Function of a layer and the recording; and whether layers may be asked for in any order, and by processes.
    """
    found = gathered(run)
    if found is not None:
        _check_layers(run.path("record"), found.layers, run.model.layers, run.stage("record").command)
        samples = all_samples(as_begun(run), "train")
        known = GatheredValues(run.model, samples, found.splits["train"], bins, _NETWORK, run.ranks)
        return lambda layer, recording: known(layer), known.is_at_hand
    return _recorded_values(bins), True


def _recorded_values(bins: int) -> Callable[[NodeLayer, Recording], NodeValues]:
    def taken(layer: NodeLayer, recording: Recording) -> NodeValues:
        z, labels = recording.z[layer.name], recording.row_labels(layer.name)
        return values_of(z, labels, recording.sample[layer.name], bins)

    return taken


@contextmanager
def recorded_by_process(run: Run, split: str = "train") -> Iterator[Callable[[], Recording]]:
    """Open one split of a run's recording once in each process that asks for it: an open file cannot be copied.

    Parameters
    ----------
    run
        Run whose folder holds the recording.
    split
        Name of the split.

    Yields
    ------
    function
        Function that gives the recording, which is closed at the end of the block; it raises as `recorded` does.
    """
    opened: dict[int, Recording] = {}
    one_at_a_time = threading.Lock()
    with ExitStack() as stack:

        def of_this_process() -> Recording:
            with one_at_a_time:
                if os.getpid() not in opened:
                    opened[os.getpid()] = stack.enter_context(recorded(run, split))
                return opened[os.getpid()]

        yield of_this_process


def each_layer(
    run: Run,
    one: Callable[[NodeLayer, Recording], Result],
    layers: Sequence[NodeLayer] | None = None,
    values: Callable[[NodeLayer, Recording], int] | None = None,
) -> dict[str, Result]:
    """Apply a function to every layer, on the training split.

    Parameters
    ----------
    run
        Run whose folder holds the recording.
    one
        Function of a layer and the recording that gives the layer's result.
    layers
        Layers to go through; None for all.
    values
        Number of values that `one` has in memory for a layer, where it may work on several layers at once, in copies of
        this process or in threads: it then runs the network by `rows_of`, `affine_of` and `outputs_of` alone, has no
        recording open beside that which it is given, and what it finds can be pickled. None: one layer after the other.

    Returns
    -------
    dict
        Layer name -> result, in the order of the layers.
    """
    layers = run.model.layers if layers is None else layers
    with warnings.catch_warnings():  # whose filters are not each thread's own
        with recorded(run) as recording:
            threads = 1 if values is None else _at_once([values(layer, recording) for layer in layers])
            is_alone = run.ranks.size == 1  # copies could not tell other ranks what they made
            in_copies = threads > 1 and is_alone and can_run_in_a_fork(run.model.module) and can_fork()
            if not in_copies:
                made = ((layer.name, partial(one, layer, recording)) for layer in layers)
                at_once = partial(in_order, _made, threads=threads) if threads > 1 else None
                with one_thread() if threads > 1 else nullcontext():  # new threads have as many of torch's as this one
                    found = run.keep.each(made, at_once=at_once)
                return dict(zip([layer.name for layer in layers], found, strict=True))
        with one_thread():
            return _in_processes(run, one, layers, threads)


def _in_processes(
    run: Run, one: Callable[[NodeLayer, Recording], Result], layers: Sequence[NodeLayer], processes: int
) -> dict[str, Result]:
    """Work on layers in copies of this process: threads of many short operations would wait for each other."""
    here = set()
    with recorded_by_process(run) as recording:

        def work(layer: NodeLayer) -> Result:
            here.add(layer.name)
            return alone(partial(_made, partial(run.keep, layer.name, partial(one, layer, recording()))))

        made = side_by_side(work, layers, processes)
    found = dict(zip([layer.name for layer in layers], made, strict=True))
    for name in found.keys() - here:  # what copies kept is kept, and counted, here too
        run.keep(name, partial(found.__getitem__, name))
    return found


def _made(make: Callable[[], Result]) -> Result:
    return make()


def _at_once(values: Sequence[int]) -> int:
    """Give how many layers to work on at once; with one, each may have threads of its own."""
    threads = processors()
    if len(values) < LAYERS_A_THREAD * threads:
        return 1
    return max(1, min(threads, ROOM // max(1, *values)))


def rows_of(run: Run, recording: Recording, layer: NodeLayer) -> Iterator[LayerRows]:
    """Yield a layer's recorded rows as `layer_rows` does, while no other thread runs the network.

    Parameters
    ----------
    run
        Run with the network and its data.
    recording
        One split of the recording.
    layer
        Layer of the network.
    """
    rows = layer_rows(run.model, run.data, recording, layer.name)
    while True:
        with _NETWORK:
            part = next(rows, None)
        if part is None:
            return
        yield part


def outputs_of(run: Run) -> Tensor:
    """Give the network's outputs on the training split, while no other thread runs the network.

    Parameters
    ----------
    run
        Run with the network and its data.

    Returns
    -------
    Tensor
        Outputs on the CPU (S, C).
    """
    with _NETWORK:
        return outputs_on(run.model, run.data.train.inputs)


def confusion_of(run: Run) -> dict[str, Array]:
    """Count the recorded predictions of each split by label.

    Parameters
    ----------
    run
        Run whose folder holds the recording.

    Returns
    -------
    dict
        Split -> number of samples of each label (rows) and prediction (columns), (C, C), those without prediction left
        out; without splits that have no labels or a task without classes, and empty where nothing was recorded or there
        are very many classes.
    """
    found = gathered(run) if run.path("record").exists() else None
    if found is not None:
        return {split: own.confusion for split, own in found.splits.items() if own.confusion.size}
    counts = {}
    is_there = is_recorded(run.path("record")) and are_counted(run.model)
    for split in run.data.splits if is_there else ():
        with recorded(run, split) as recording:
            labels, predictions = recording.labels, recording.predictions
        if labels is not None and (predictions != NO_PREDICTION).any():
            counts[split] = confusion_counts(labels, predictions, len(run.data.classes))
    return counts


def affine_of(run: Run, layer: NodeLayer) -> tuple[Array, Array] | None:
    """Give a layer's weights and biases, tried on two samples.

    Parameters
    ----------
    run
        Run with the network and its data.
    layer
        Layer of the network.

    Returns
    -------
    Array, Array
        Weights (N, D) and biases (N,); None in place of both where the layer is not linear.
    """
    example = as_tensor(run.data.train.inputs[:2], run.model.scaling, run.model.input_shape)
    with _NETWORK:
        return affine_map(run.model.module, layer, example.to(device_of(run.model.module)))
