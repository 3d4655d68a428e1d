"""Stages found by their names, ours and a user's own, and those that a run is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from interp.errors import UsageError
from interp.run.stage import Run, Stage
from interp.run.stages import STAGES, WITHOUT_STORE
from interp.safety import import_name, look_up


def find_stage(name: str) -> Stage:
    """Give a stage by its name.

    Parameters
    ----------
    name
        Name of one of `STAGES`, or a user's own as ``package.module:name``.

    Raises
    ------
    UsageError
        If there is no such stage.

    Examples
    --------
    >>> find_stage("fit").file
    'gaussians.h5'
    """
    named = look_up(name, STAGES, "stage")
    found = import_name(named, "stage") if isinstance(named, str) else named
    if not isinstance(found, Stage):
        raise UsageError(f"stage {name}", found=type(found).__name__, expected="a Stage", do="give one by its name")
    return found if name in STAGES or found.spec else replace(found, spec=name)


def stage_of(name: str) -> Stage:
    """Import a stage of ours.

    Parameters
    ----------
    name
        Place of the stage, ``package.module:name``.
    """
    found = import_name(name, "stage")
    assert isinstance(found, Stage)
    return found


def all_stages(*further: str, store: bool = True) -> dict[str, Stage]:
    """Give every stage by its name, in the order in which they run, further ones last.

    Parameters
    ----------
    *further
        Further stages, each ``package.module:name``.
    store
        Whether activations are stored; statistics of them are gathered in their place where they are not.

    Raises
    ------
    UsageError
        If one of the further has the name or file of a stage before it, or needs one that is not before it.

    Examples
    --------
    >>> list(all_stages())[:3]
    ['record', 'fit', 'boundaries']
    """
    found: dict[str, Stage] = {}
    for spec in (*STAGES, *further):
        stage = find_stage(spec)
        if not store and spec in WITHOUT_STORE:
            stage = stage_of(WITHOUT_STORE[spec])
        taken = {stage.name, stage.file} & {word for other in found.values() for word in (other.name, other.file)}
        missing = [need for need in stage.needs if need not in found]
        if taken or missing:
            problem = f"the name or file of another ({', '.join(taken)})" if taken else f"need of {', '.join(missing)}"
            expected = "a name and file of its own, and needs among the stages before it"
            raise UsageError(f"stage {spec}", found=problem, expected=expected, do="change it")
        found[stage.name] = stage
    return found


def files_in_place() -> list[str]:
    """Give the names of the files of stages that are run with or without stored activations, of both.

    Examples
    --------
    >>> files_in_place()
    ['activations.h5', 'statistics.h5']
    """
    return [stage.file for name, spec in WITHOUT_STORE.items() for stage in (find_stage(name), stage_of(spec))]


def needed(run: Run, names: Iterable[str] | None = None) -> list[str]:
    """Give the names of stages and of all those that they need, in the order in which they run.

    Parameters
    ----------
    run
        Run with its stages.
    names
        Names of the stages; None for all that the run is asked for.

    Raises
    ------
    UsageError
        If there is no stage of a name.
    """
    order: list[str] = []
    for name in _asked(run) if names is None else names:
        before = needed(run, run.stage(name).needs)
        order += [one for one in (*before, name) if one not in order]
    return order


def _asked(run: Run) -> list[str]:
    """Give the names of the stages that a run is asked for: all, or ours up to the last and all of the user's own."""
    names = list(run.stages)
    if not run.until:
        return names
    last = names.index(run.until)
    return [name for i, name in enumerate(names) if i <= last or ":" in run.stage(name).spec]


def not_run(run: Run) -> tuple[str, ...]:
    """Give the names of the stages that a run leaves out, since it is asked for those up to another.

    Parameters
    ----------
    run
        Run with its stages.

    Examples
    --------
    >>> from interp.run import start
    >>> not_run(start("zoo/pretrained/abs-digits.pt", "my-run", until="clusters"))
    ('intervene', 'attribute', 'read')
    """
    asked = needed(run)
    return tuple(name for name in run.stages if name not in asked)
