"""Write every node's pre-activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from interp.recording import record_together
from interp.run.fingerprint import stage_provenance
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.store import check_recording, open_recording
from interp.types import Array, ForwardLoss, Provenance, Recording


def run(run: Run) -> None:
    """Record every split, each process its part; a recording that was interrupted goes on.

    Parameters
    ----------
    run
        Model, data, options and folder.
    """
    made = run.ranks.from_first(lambda: stage_provenance(run, STAGE))
    seed, how = run.options.recorded_seed, run.options.recording
    record_together(run.model, run.data, run.path("record"), made, seed, how, run.ranks, run.options.store)


@dataclass(frozen=True)
class Recorded:
    """What a recording holds.

    Attributes
    ----------
    rows
        Layer name -> number of recorded rows of the training split.
    dtype
        Type that pre-activations are stored as.
    rounding
        Layer name -> largest change of a value by rounding, and the root mean square of changes of the node where it is
        largest, in standard deviations of the node; empty where nothing was rounded.
    forward
        Difference from float32 of forward passes that were computed in another type; None where they were not.
    codec
        Name of the codec that stored pre-activations are packed with: gzip, or none.

    Examples
    --------
    >>> Recorded({"fc1": 1437}).dtype
    'float32'
    """

    rows: Mapping[str, int]
    dtype: str = "float32"
    rounding: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    forward: ForwardLoss | None = None
    codec: str = "none"


def opened(path: Path) -> tuple[Recorded, Provenance]:
    """Open a recording, and count its rows.

    Parameters
    ----------
    path
        Path of the recording.

    Returns
    -------
    Recorded, Provenance
        Number of rows and what storing them has cost; and the recording's provenance.

    Raises
    ------
    MismatchError
        If it is missing or damaged.
    """
    with open_recording(path) as recording:
        rows = {layer.name: recording.z[layer.name].shape[0] for layer in recording.layers}
        rounding = {name: _worst(found) for name, found in recording.rounding.items()}
        found = Recorded(rows, recording.stored_as, rounding, recording.forward, recording.codec)
        return found, recording.provenance


def _worst(rounding: Array) -> tuple[float, float]:
    """Give the largest of nodes' largest changes, and of their root mean squares; 0 where no node varies."""
    largest, typical = np.nan_to_num(rounding).max(axis=1).tolist()
    return largest, typical


def summarise(found: Recorded) -> Iterator[str]:
    """Say how many layers and rows were recorded, and what rounding has cost; of each layer in lines of their own."""
    said = f"{counted(len(found.rows), 'layer')}, {counted(max(found.rows.values(), default=0), 'row')} of training"
    said += "" if found.codec == "none" else f", packed with {found.codec}"
    if found.rounding:
        largest, typical = (max(worst) for worst in zip(*found.rounding.values(), strict=True))
        said += (
            f", stored as {found.dtype}: rounding moves no value by over {_sigma(largest)} of its node,"
            f" and those of no node by over {_sigma(typical)} in root mean square"
        )
    if found.forward is not None:
        said += f"{';' if found.rounding else ','} computed in {found.forward.dtype}: {_differences(found.forward)}"
    yield said
    if found.forward is not None:
        for name, (most, usual) in ((name, _worst(one)) for name, one in found.forward.layers.items()):
            yield f"{name}: {found.forward.dtype} differs by up to {_sigma(most)}, {_sigma(usual)} in root mean square"
    for name, (most, usual) in found.rounding.items():
        yield f"{name}: rounding by up to {_sigma(most)}, {_sigma(usual)} in root mean square"


def _differences(found: ForwardLoss) -> str:
    """Say how far from float32 the samples that were compared are."""
    largest, typical = (max(worst) for worst in zip(*map(_worst, found.layers.values()), strict=True))
    said = (
        f"of {counted(found.samples, 'training sample')} no value differs from float32 by over {_sigma(largest)} of its"
        f" node, and those of no node by over {_sigma(typical)} in root mean square"
    )
    if found.typical_output == found.typical_output:
        said += f", outputs by {_sigma(found.largest_output)} and {_sigma(found.typical_output)}"
    has_classes = found.changed == found.changed
    return f"{said}; {found.changed:.0%} of predicted classes change" if has_classes else said


def _sigma(value: float) -> str:
    return f"{value:.2g} sigma"


STAGE = Stage(
    "record",
    does=__doc__,
    file="activations.h5",
    result=Recording,
    needs=(),
    run=run,
    summarise=summarise,
    options=("recorded_seed", "recording", "store"),
    opened=opened,
    checked=check_recording,  # a recording of an earlier run that is damaged is made anew
    is_divided=True,
)
