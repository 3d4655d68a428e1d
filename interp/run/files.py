"""Files of a run: what a stage found <-> its file, checked against the run it is read for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp.errors import MismatchError
from interp.run.fingerprint import fingerprint_of
from interp.run.stage import Stage
from interp.store import check_layers, check_same, check_tables, read_provenance, read_results, write_results
from interp.types import Provenance

if TYPE_CHECKING:
    from interp.run.run import Run

WHOLE = "all"
"""Key of a result of the whole network in a file of results by layer."""


def read_stage(run: Run, stage: Stage, is_new: bool = False) -> tuple[Any, Provenance]:
    """Read what a stage found.

    Parameters
    ----------
    run
        Run whose folder holds the file.
    stage
        Stage whose file is read.
    is_new
        Whether the file has just been written by this process, so that it need not be compared with its digest.

    Returns
    -------
    object, Provenance
        Layer name -> result, or one result of the whole network; and the provenance of the file.

    Raises
    ------
    MismatchError
        If its file is missing, damaged, or belongs to another model or data set.
    """
    path = run.out / stage.file
    if stage.opened is not None:
        found, provenance = stage.opened(path)
        check_same(path, provenance, run.provenance, stage.command)
        return found, provenance
    results: dict[str, Any]
    results, provenance = read_results(path, stage.result, stage.command, is_sealed=not is_new)
    check_same(path, provenance, run.provenance, stage.command)
    return _checked(run, stage, results), provenance


def _checked(run: Run, stage: Stage, found: dict[str, Any]) -> Any:
    """Give results that are those of a network's layers."""
    path, remedy = run.out / stage.file, stage.command
    if stage.layers is not None:
        check_layers(path, found, stage.layers(run), remedy)
        return found
    if set(found) != {WHOLE}:
        raise MismatchError(path, found="other results", expected="those of all layers", do=f"run `{remedy}`")
    check_tables(path, found[WHOLE], remedy)
    return found[WHOLE]


def write_stage(run: Run, stage: Stage, found: Any, provenance: Provenance) -> None:
    """Write what a stage found, unless its `run` has written the file itself.

    Parameters
    ----------
    run
        Run whose folder takes the file.
    stage
        Stage that was run.
    found
        Layer name -> result, or one result of the whole network.
    provenance
        Model, data, options and fingerprint, to be saved with the results.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    if stage.opened is None:
        write_results(run.out / stage.file, found if stage.layers is not None else {WHOLE: found}, provenance)


def provenance_of(run: Run, stage: Stage) -> Provenance:
    """Read the provenance of a stage's file, and nothing else of a file of ours.

    Parameters
    ----------
    run
        Run whose folder holds the file.
    stage
        Stage whose file is read.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or belongs to another model or data set.
    """
    path = run.out / stage.file
    try:
        found = read_provenance(path, stage.command)
    except MismatchError:
        if stage.opened is None:
            raise
        found = stage.opened(path)[1]  # a stage of the user's own may write files of another kind
    check_same(path, found, run.provenance, stage.command)
    return found


def finished(run: Run, stage: Stage, wanted: Provenance) -> Any:
    """Read what a stage found, if that was with the same inputs, options and code.

    Parameters
    ----------
    run
        Run whose folder holds the file.
    stage
        Stage whose file is read.
    wanted
        Provenance that results of the stage would have now.

    Returns
    -------
    object
        Layer name -> result, or one result of the whole network; None where the file is missing, damaged or of other
        inputs, options or code.
    """
    try:
        if fingerprint_of(provenance_of(run, stage)) != fingerprint_of(wanted):
            return None
        return read_stage(run, stage)[0]
    except MismatchError:  # missing or damaged
        return None
