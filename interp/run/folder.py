"""The folder of a run: of one network and data set, written by one process at a time."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from interp.errors import MismatchError, UsageError
from interp.ranks import ALONE, Ranks
from interp.ranks.job import has_joined, is_job
from interp.run.find import files_in_place
from interp.run.parts import remove_parts
from interp.run.stage import Run
from interp.run.timings import TIMINGS
from interp.safety import LONGEST_PAGE, read_json
from interp.store import check_writable, read_provenance
from interp.store.shards.manifest import manifest_path, remove_shards
from interp.store.shards.opening import is_recorded
from interp.types import Provenance

if sys.platform != "win32":
    import fcntl

PAGE = "report.json"
PAGES = (PAGE, "report.html", TIMINGS)
FIGURES = "figures"
PICTURE = re.compile(FIGURES + r"/[A-Za-z0-9_-]{1,200}\.png")
"""Names that pictures of a page have."""
_HELD: dict[Path, int | None] = {}
"""Folder that this process holds -> handle that bears the lock; None on systems without."""

WAIT = "wait for it, or choose another folder with --out"
SHARE = "begin the script's work with `with interp.ranks.job():`, in which all processes of torchrun share it"


@contextmanager
def locked(folder: Path, ranks: Ranks = ALONE) -> Iterator[None]:
    """Hold a folder, made if missing, against other processes; the system lets go of it however this one ends.

    A folder in which nothing was written is removed again. File systems without locks are not held. Of the processes
    of one job the first holds it for all.

    Parameters
    ----------
    folder
        Folder of a run.
    ranks
        Processes that work in it together.

    Raises
    ------
    UsageError
        If another process holds it, or it cannot be made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home:
    ...     with locked(Path(home, "run")):
    ...         inside = Path(home, "run").exists()
    ...     inside, Path(home, "run").exists()
    (True, False)
    """
    if ranks.is_first:
        check_writable(folder)
    path = folder.resolve()
    if path in _HELD or not ranks.is_first:
        yield
        return
    made = [part for part in (path, *path.parents) if not part.exists()]
    path.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDONLY) if sys.platform != "win32" else None
    owner = os.getpid()
    try:
        if handle is not None:
            _lock(folder, handle)
        _HELD[path] = handle
        yield
    finally:
        _HELD.pop(path, None)
        if handle is not None and os.getpid() == owner:
            os.close(handle)
        with suppress(OSError):  # it holds something
            for part in made:
                part.rmdir()


def _let_go() -> None:
    """Close the locks in a copy of the process: it would hold folders for as long as it outlives a killed one."""
    for handle in filter(None, _HELD.values()):
        os.close(handle)
    _HELD.update(dict.fromkeys(_HELD))


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_let_go)


def _lock(folder: Path, handle: int) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            folder,
            found="another run that is writing into it",
            expected="one at a time",
            do=SHARE if is_job() and not has_joined() else WAIT,
        ) from error
    except OSError:  # some network file systems have no locks of folders
        pass


def check_owner(run: Run) -> None:
    """See that all results in a run's folder are of its network and data.

    Parameters
    ----------
    run
        Run, with the folder that it is to write into.

    Raises
    ------
    UsageError
        If something there was made of another network or other data.
    """
    for found in provenances(run.out):
        for what in ("model", "data"):
            if getattr(found, f"{what}_digest") != getattr(run.provenance, f"{what}_digest"):
                name = found.settings.get("checkpoint" if what == "model" else "data", "")
                raise UsageError(
                    run.out,
                    found=f"results of another {what} ({name})",
                    expected="an empty folder, or results of this one",
                    do="choose another folder with --out, or let `report` or `record` replace them with --overwrite",
                )


def check_store(run: Run) -> None:
    """See that a run's folder holds no finished recording beside statistics in its place: one would be out of date.

    Parameters
    ----------
    run
        Run, with or without stored activations, and the folder that it is to write into.

    Raises
    ------
    UsageError
        If the folder holds results of a run of the other sort.
    """
    ours = {stage.file for stage in run.stages.values()}
    for name in files_in_place():
        if name in ours or not is_recorded(run.out / name):
            continue
        raise UsageError(
            run.out / name,
            found=f"results of a run {'without' if run.options.store else 'with'} stored activations",
            expected=f"an empty folder, or results of a run {'with' if run.options.store else 'without'} them",
            do=f"{'add' if run.options.store else 'leave out'} --no-store to go on with them, choose another folder"
            " with --out, or let `report` or `record` replace them with --overwrite",
        )


def check_names(run: Run) -> None:
    """See that nothing in a run's folder lies where its results are to be written: found out before the long work.

    Parameters
    ----------
    run
        Run, with the folder that it is to write into.

    Raises
    ------
    UsageError
        If a folder has the name of one of the files, or a file that of the folder of figures.
    """
    do = "move it away, or choose another folder with --out"
    for name in (*(stage.file for stage in run.stages.values()), *PAGES):
        if (run.out / name).is_dir():
            raise UsageError(run.out / name, found="a folder", expected="a file of results, or nothing", do=do)
    figures = run.out / FIGURES
    if figures.exists() and not figures.is_dir():
        raise UsageError(figures, found="a file", expected="a folder of figures, or nothing", do=do)


def provenances(folder: Path) -> Iterator[Provenance]:
    """Yield the provenance of each whole file of results in a folder, the page's included.

    Parameters
    ----------
    folder
        Folder of a run, which need not be there.
    """
    for path in sorted(folder.glob("*.h5")):
        with suppress(MismatchError):  # damaged, or not ours
            yield read_provenance(path, "")
    with suppress(KeyError, TypeError):
        found = _page(folder)["provenance"]
        digests, settings = (found["model_digest"], found["data_digest"]), found["settings"]
        if isinstance(settings, dict):
            yield Provenance(*digests, 0, {}, settings)


def _page(folder: Path) -> dict[str, Any]:
    """Read the page's values; none where it is missing or damaged."""
    try:
        found = read_json(folder / PAGE, LONGEST_PAGE)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_run(folder: Path, files: Sequence[str]) -> None:
    """Remove what runs wrote into a folder: results, whole or begun, the page and its figures; nothing else.

    Parameters
    ----------
    folder
        Folder of a run, which need not be there.
    files
        Names of the stages' files; others are removed too if they hold results of ours, and of a recording or the
        statistics in its place both.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("gaussians.h5", "notes.txt"):
    ...         _ = Path(folder, name).write_text("")
    ...     remove_run(Path(folder), ["gaussians.h5"])
    ...     [path.name for path in Path(folder).iterdir()]
    ['notes.txt']
    """
    figures, files = page_figures(folder), [*files, *files_in_place()]
    for path in folder.glob("*.h5"):
        with suppress(MismatchError):
            if path.name not in files:
                read_provenance(path, "")
            _remove(path)
    for name in (*files, *PAGES):
        remove_begun(folder, name)
        remove_begun(folder, manifest_path(folder / name).name)
        remove_parts(folder / name)
    for name in files:
        remove_shards(folder / name)
    for path in (*(folder / f".{name}.partial" for name in files), *(folder / name for name in (*figures, *PAGES))):
        _remove(path)
    with suppress(OSError):  # it holds something else, or is not there
        (folder / FIGURES).rmdir()


def _remove(path: Path) -> None:
    """Remove a file where there is one; a folder of its name is not ours."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)


def remove_begun(folder: Path, name: str) -> None:
    """Remove what a killed run had begun to write of a file; a recording, which later goes on, stays.

    Parameters
    ----------
    folder
        Folder of a run.
    name
        Name of the file.
    """
    for path in folder.glob(f".{glob.escape(name)}.*.partial"):
        path.unlink(missing_ok=True)


def remove_remains(folder: Path, files: Sequence[str]) -> None:
    """Remove files that killed runs had begun to write; a recording and parts of stages, which later go on, stay.

    Parameters
    ----------
    folder
        Folder of a run, held against other processes.
    files
        Names of the stages' files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in (".report.html.0a1b2c3d.partial", ".activations.h5.partial"):
    ...         _ = Path(folder, name).write_text("")
    ...     remove_remains(Path(folder), ["activations.h5"])
    ...     [path.name for path in Path(folder).iterdir()]
    ['.activations.h5.partial']
    """
    for name in (*files, *files_in_place(), *PAGES):
        remove_begun(folder, name)
        remove_begun(folder, manifest_path(folder / name).name)
    for path in (folder / FIGURES).glob(".*.png.????????.partial"):
        path.unlink(missing_ok=True)


def page_figures(folder: Path) -> list[str]:
    """Give the names of the figures that a folder's page shows, such as ``figures/clamps.png``, and that are there.

    The page is a file like any other: what it names is removed later, so that no name leads to anything but a picture
    in the folder itself.

    Parameters
    ----------
    folder
        Folder of a run, which need not hold a page.
    """
    if (folder / FIGURES).is_symlink():
        return []
    sections = _page(folder).get("sections", {})
    with suppress(AttributeError, KeyError, TypeError):
        found = [str(figure["file"]) for section in sections.values() for figure in section["figures"]]
        return [name for name in found if PICTURE.fullmatch(name) and (folder / name).is_file()]
    return []
