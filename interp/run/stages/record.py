"""Write every node's pre-activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from interp.recording import record_activations
from interp.run.fingerprint import stage_provenance
from interp.run.stage import Run, Stage
from interp.run.summaries import counted
from interp.store import check_recording, open_recording
from interp.types import Provenance, Recording


def run(run: Run) -> None:
    """Record every split; a recording that was interrupted goes on.

    Parameters
    ----------
    run
        Model, data, options and folder.
    """
    record_activations(run.model, run.data, run.path("record"), stage_provenance(run, STAGE), run.options.seed)


def opened(path: Path) -> tuple[dict[str, int], Provenance]:
    """Check a recording, and count its rows.

    Parameters
    ----------
    path
        Path of the recording.

    Returns
    -------
    dict, Provenance
        Layer name -> number of recorded rows of the training split; and the recording's provenance.

    Raises
    ------
    MismatchError
        If it is missing or damaged.
    """
    check_recording(path)  # a recording that is damaged is made anew
    with open_recording(path) as recording:
        return {layer.name: recording.z[layer.name].shape[0] for layer in recording.layers}, recording.provenance


def summarise(found: Mapping[str, int]) -> Iterator[str]:
    """Say how many layers and rows were recorded."""
    yield f"{counted(len(found), 'layer')}, {counted(max(found.values(), default=0), 'row')} of training"


STAGE = Stage(
    "record",
    does=__doc__,
    file="activations.h5",
    result=Recording,
    needs=(),
    run=run,
    summarise=summarise,
    options=("seed",),
    opened=opened,
)
