"""Recordings that several processes make together: each the samples that are its own, into a file of its own.

A process has samples that follow on each other, from a block to another of those that one process alone would run at
once: so every block is run as it would be by one, and its values are the same to the last bit. Of a split of
one block the last process records all.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from interp.errors import MismatchError
from interp.ranks import ALONE, Ranks
from interp.recording.kept import Store
from interp.recording.options import StoreOptions
from interp.recording.positions import position_counts, samples_a_block
from interp.recording.record import record_activations
from interp.store import file_name
from interp.store.files import read_provenance
from interp.store.recordings import check_recording
from interp.store.shards.manifest import Shard, described, manifest_path, shard_files, shard_path, write_manifest
from interp.store.shards.opening import SHARD
from interp.types import Dataset, LoadedModel, Provenance

ENDS = (".partial", ".packed.partial")
"""Ends of the names of files that are not whole yet."""

Part = Mapping[str, tuple[int, int]]
"""Name of a split -> index of the first sample of a part, and of the one behind the last; without empty ones."""


def record_together(
    model: LoadedModel,
    data: Dataset,
    path: str | Path,
    provenance: Provenance,
    seed: int = 0,
    how: StoreOptions = StoreOptions(),
    ranks: Ranks = ALONE,
    store: Store = True,
) -> None:
    """Record every layer's pre-activations over every split: one process into one file, several into one each.

    Parameters
    ----------
    model
        Network whose layers are recorded.
    data
        Data set that it is run on.
    path
        Name of the HDF5 file of one process; those of several, and their manifest, get names that follow from it.
    provenance
        Origin of the recording, saved with it; what was recorded before with the same, by as many processes, is used.
    seed
        Seed of the random number generator that draws the recorded positions of convolutions.
    how
        Options of what is stored and how.
    ranks
        Processes that record.
    store
        Samples of each split whose pre-activations are stored: all (True), a share of them (0.1) or a number (5000).

    Raises
    ------
    UsageError
        If the folder cannot be written, or another process is writing the same file.

    Examples
    --------
    >>> import torch
    >>> from tempfile import TemporaryDirectory
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Linear(8, 10)), "digits")
    >>> with TemporaryDirectory() as folder:
    ...     record_together(model, data, Path(folder, "a.h5"), Provenance(model.digest, data.digest, 0, {}, {}))
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.h5']
    """
    path = file_name(path)
    if ranks.size == 1:
        record_activations(model, data, path, provenance, seed, how, store=store)
        _remove(path, ranks)
        return
    ranks.from_first(lambda: _say_what_is_left(path, ranks))
    part = parts_of(model, data, ranks.size)[ranks.rank]
    own = shard_path(path, ranks.rank, ranks.size)
    mine = _recorded(model, data, own, provenance, part, seed=seed, how=how, store=store)
    shards = [shard for shard in ranks.told(mine) if shard is not None]

    def finish() -> None:
        path.unlink(missing_ok=True)  # of another recording: a manifest counts where there is no file
        write_manifest(path, shards, provenance.versions)
        _remove(path, ranks)

    ranks.from_first(finish)


def parts_of(model: LoadedModel, data: Dataset, size: int) -> list[Part]:
    """Divide the samples of every split over processes, each a run of blocks; see `cut`.

    Parameters
    ----------
    model
        Network that is recorded.
    data
        Data set with all samples.
    size
        Number of processes.

    Returns
    -------
    list
        Part of each process, by rank.
    """
    block = samples_a_block(model, position_counts(model, data))
    cuts = {name: cut(len(split), block, size) for name, split in data.splits.items()}
    return [
        {name: found[rank] for name, found in cuts.items() if found[rank][0] < found[rank][1]} for rank in range(size)
    ]


def cut(samples: int, block: int, size: int) -> list[tuple[int, int]]:
    """Cut samples into a part for each process, of whole blocks, as equal as these allow.

    Of B blocks process r of R has those from ⌊r·B/R⌋ to ⌊(r + 1)·B/R⌋; the last process always has some.

    Parameters
    ----------
    samples
        Number of samples.
    block
        Number of samples that are run at once.
    size
        Number of processes.

    Returns
    -------
    list
        First sample of each part, and the one behind the last.

    Examples
    --------
    >>> cut(10, 2, 2), cut(10, 4, 2), cut(3, 4, 2)
    ([(0, 4), (4, 10)], [(0, 4), (4, 10)], [(0, 0), (0, 3)])
    """
    blocks = -(-samples // block)
    ends = [min(samples, blocks * rank // size * block) for rank in range(size + 1)]
    return list(pairwise(ends))


def _recorded(
    model: LoadedModel, data: Dataset, path: Path, provenance: Provenance, part: Part, **said: Any
) -> Shard | None:
    """Record a part, unless its file is whole and of the very same; nothing where there are no samples."""
    if not part:
        return None
    own = replace(
        provenance, settings={**provenance.settings, SHARD: {name: list(ends) for name, ends in part.items()}}
    )
    if not _is_whole(path, own):
        record_activations(model, data, path, own, part=part, **said)
    return described(path, part)


def _is_whole(path: Path, provenance: Provenance) -> bool:
    """Whether a file holds all that was asked for, as it was written."""
    with suppress(MismatchError):  # missing or damaged
        if read_provenance(path, "") == provenance:
            check_recording(path)
            return True
    return False


def _others(path: Path, ranks: Ranks) -> list[Path]:
    """List the files of other numbers of processes; with one process, of all."""
    own = {shard_path(path, rank, ranks.size).name for rank in range(ranks.size)} if ranks.size > 1 else {path.name}
    begun = path.with_name(f".{path.name}.partial")
    found = [*shard_files(path), *([begun] if begun.exists() else [])]
    return [file for file in found if file.name not in own | {f".{name}{end}" for name in own for end in ENDS}]


def _say_what_is_left(path: Path, ranks: Ranks) -> None:
    """Say that what another number of processes recorded is of no use, where they did not come to the end."""
    if left := _others(path, ranks):
        names = ", ".join(file.name for file in left[:3])
        print(f"record: {names} are of another number of ranks; all is recorded anew by {ranks.size}", file=sys.stderr)


def _remove(path: Path, ranks: Ranks) -> None:
    """Remove what was recorded by another number of processes."""
    begun = manifest_path(path)
    for file in (*_others(path, ranks), *path.parent.glob(f".{glob.escape(begun.name)}.*.partial")):
        file.unlink(missing_ok=True)
    if ranks.size == 1:
        manifest_path(path).unlink(missing_ok=True)
