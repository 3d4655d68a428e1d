"""Folders of a run that hold a small sound recording, one for every way to store values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.seeds.base import WIDTHS, base
from fuzzing.seeds.data import QUICK
from interp.checkpoints import LoadOptions
from interp.recording import StoreOptions, record_activations
from interp.run import Run, start
from interp.run.fingerprint import stage_provenance
from interp.store.shards.manifest import described, shard_path, write_manifest
from interp.store.shards.opening import SHARD

HALVES = ({"train": (0, 1024)}, {"train": (1024, 1500), "test": (0, 40)})
"""Samples that each of two processes records; of one process the same: two blocks of rows, and one."""


@cache
def _rows() -> Path:
    """Write rows that repeat, so that their values can be packed."""
    rng = np.random.default_rng(0)
    some, path = rng.random((50, WIDTHS[0])).astype(np.float32), base() / "rows.npz"
    parts = {name: rng.integers(0, 50, count) for name, count in (("train", 1500), ("test", 40))}
    inputs = {f"x_{name}": some[drawn] for name, drawn in parts.items()}
    np.savez(path, **inputs, **{f"y_{name}": np.arange(len(drawn)) % 3 for name, drawn in parts.items()})
    return path


def begun_run(folder: Path, store: bool | int = True, **how: Any) -> Run:
    """Open the sound network and rows that repeat, once a process, with a folder for their recording."""
    return replace(_opened(store, **how), out=folder)


@cache
def _opened(store: bool | int, **how: Any) -> Run:
    said = LoadOptions(scaling="raw", activation="relu", output="linear")
    options = replace(QUICK, recording=StoreOptions(**how), store=store)
    return start(base() / "net.pt", base() / "nowhere", str(_rows()), said, options=options)


def _of_one(folder: Path, store: bool | int = True, **how: Any) -> str:
    run = begun_run(folder / "file", store, **how)
    run.stage("record").run(run)
    return "file"


def _of_two(folder: Path, **how: Any) -> str:
    record_by_two(begun_run(folder / "file", **how))
    return "file"


def record_by_two(run: Run) -> None:
    """Record as two processes would: a file each, and the manifest."""
    path, made = run.path("record"), stage_provenance(run, run.stage("record"))
    shards = []
    for rank, part in enumerate(HALVES):
        own, settings = shard_path(path, rank, len(HALVES)), {SHARD: {name: list(ends) for name, ends in part.items()}}
        said = replace(made, settings={**made.settings, **settings})
        record_activations(run.model, run.data, own, said, how=run.options.recording, part=part)
        shards.append(described(own, part))
    write_manifest(path, shards, made.versions)


RECORDINGS: dict[str, Callable[[Path], str]] = {
    "recording": _of_one,
    "packed recording": partial(_of_one, codec="gzip"),
    "recording of some samples": partial(_of_one, store=100),
    "recording in float16": partial(_of_one, dtype="float16"),
    "packed recording in bfloat16": partial(_of_one, dtype="bfloat16", codec="gzip"),
    "recording of two processes": _of_two,
    "packed recording of two processes": partial(_of_two, codec="gzip"),
}
"""Name -> a function that writes into a folder and says what is to be opened there."""
