"""Exports: what a finished run recorded and found, in files of other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from interp.api.frames import node_frame
from interp.errors import MismatchError, unknown_name
from interp.interchange import Contents, find_format, write_as
from interp.run import Options, all_stages, as_begun
from interp.store import check_same, open_recording, read_results, recorded_splits
from interp.types import NodeLayer, Provenance
from interp.types.annotations.edge import checked


@checked
def export(
    folder: str | Path, to: str, path: str | Path | None = None, layers: Sequence[str] = (), splits: Sequence[str] = ()
) -> Path:
    """Write what a run recorded, and the table of its nodes, for another program; the network is not opened.

    Parameters
    ----------
    folder
        Folder of a run with a recording (``activations.h5``); what further stages found is in the table of nodes.
    to
        Format: ``parquet``, ``zarr``, ``npz``, ``anndata``, ``xarray``, or ``package.module:name`` of your own.
    path
        File or folder to make, which must not be there; None for one beside the run, named by it and the format.
    layers
        Names of the layers; none for all.
    splits
        Names of the splits; none for all.

    Returns
    -------
    Path
        Path of the file or folder that was made.

    Raises
    ------
    MismatchError
        If values were not stored, the recording is missing or damaged, or results beside it are of another recording,
        network or data set.
    UsageError
        If there is no such format, layer or split, a package that the format needs is not installed, or the path is
        taken or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import interp
    >>> import numpy as np
    >>> with TemporaryDirectory() as home:
    ...     found = interp.analyse("zoo/pretrained/abs-digits.pt", stages=["record"], out=Path(home, "run"))
    ...     made = interp.export(Path(home, "run"), "npz", layers=["output"], splits=["test"])
    ...     made.name, np.load(made)["test/output/z"].shape
    ('run.npz', (360, 10))
    """
    folder = Path(folder)
    chosen = find_format(to)
    recorded = folder / all_stages()["record"].file
    _check_stored(recorded)
    known = recorded_splits(recorded)
    with ExitStack() as opened:
        recordings = {
            split: opened.enter_context(open_recording(recorded, split)) for split in _chosen(splits, known, "split")
        }
        first = next(iter(recordings.values()))
        by_name = {layer.name: layer for layer in first.layers}
        some = tuple(by_name[name] for name in _chosen(layers, list(by_name), "layer"))
        contents = Contents(recordings, some, _nodes(folder, some, first.provenance))
        beside = folder.resolve().with_name(f"{folder.resolve().name}{chosen.ending}")
        return write_as(to, contents, beside if path is None else Path(path))


def _check_stored(recorded: Path) -> None:
    """Refuse a run without stored activations, whose values no file holds."""
    if as_begun(recorded.parent, Options()).store:
        return
    statistics = all_stages(store=False)["record"]
    found = f"{statistics.file} alone, of a run that stored no values"
    do = f"run `{statistics.command}` without --no-store, and with --overwrite"
    raise MismatchError(recorded, found=found, expected="recorded values", do=do)


def _chosen(names: Sequence[str], known: Sequence[str], what: str) -> Sequence[str]:
    """Give the names that were asked for, once each in the order of the known ones; all where none were."""
    for name in names:
        if name not in known:
            raise unknown_name(what, name, known)
    return [name for name in known if not names or name in names]


def _nodes(folder: Path, layers: Sequence[NodeLayer], made_of: Provenance) -> Any:
    """Lay what the stages' files say of the nodes side by side; those of other recordings or networks are refused."""
    found: dict[str, Any] = {}
    made = {"record": made_of.fingerprint}
    for stage in all_stages().values():
        path = folder / stage.file
        if stage.field is None or stage.opened is not None or not path.exists():
            continue
        results: dict[str, Any]
        results, provenance = read_results(path, stage.result, stage.command)
        check_same(path, provenance, made_of, stage.command)
        _check_needs(path, provenance, made, stage.command)
        made[stage.name] = provenance.fingerprint
        found[stage.field] = results if stage.layers is not None else next(iter(results.values()))
    return node_frame(layers, found)


def _check_needs(path: Path, found: Provenance, made: Mapping[str, str], remedy: str) -> None:
    """Refuse results of another recording, or of other results, than those beside them."""
    needs = found.settings.get("needs")  # which files of older versions do not say
    for name, fingerprint in needs.items() if isinstance(needs, Mapping) else ():
        if made.get(name, fingerprint) != fingerprint:
            said = f"results of another run of `{name}` ({str(fingerprint)[:12]})"
            raise MismatchError(path, found=said, expected=f"those of {made[name][:12]}", do=f"run `{remedy}`")
