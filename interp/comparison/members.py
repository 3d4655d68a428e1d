"""The networks of a comparison: opened on the same data, each with the results of its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from interp.checkpoints import LoadOptions, Network
from interp.checkpoints.inference.stack.order import natural
from interp.data import DataOptions
from interp.errors import UsageError
from interp.run import Options, Run, locked, remove_run, run_stages, start
from interp.run.pipeline import Listener
from interp.types import LoadedModel

STAGES = ("boundaries", "prototypes", "read")
"""Stages that a comparison rests on; the last two can be left out."""

ENDINGS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".onnx", ".pt2")
"""Endings of the files in a folder that are taken for networks."""


@dataclass(frozen=True)
class Source:
    """One network to compare, before it is opened.

    Attributes
    ----------
    name
        Name in tables, different from all others.
    group
        Folder that it came from; empty where it was given alone.
    network
        Path, name of an architecture, or module in memory.
    """

    name: str
    group: str
    network: Network


@dataclass(frozen=True)
class Member:
    """One network of a comparison.

    Attributes
    ----------
    name
        Name in tables, different from all others.
    group
        Folder that it came from; empty where it was given alone.
    run
        Model, data, options and folder.
    found
        Field of `Results` -> results of the stages.
    """

    name: str
    group: str
    run: Run
    found: Mapping[str, Any]


def folder_of(given: Network) -> Path | None:
    """Give the folder of networks that is meant; None for a network, as a Hugging Face folder is.

    Parameters
    ----------
    given
        File, folder or module.
    """
    if isinstance(given, nn.Module):
        return None
    if not str(given):
        raise UsageError("compare", found="a network without a name", expected="a file or folder", do="name it")
    try:
        return Path(given) if Path(given).is_dir() and not Path(given, "config.json").exists() else None
    except (OSError, ValueError):  # no name of a file, such as one too long: what opens networks says so
        return None


def sources_of(given: Sequence[Network]) -> list[Source]:
    """List the networks that a user names, those of a folder one by one.

    Parameters
    ----------
    given
        Files, folders of files, names of architectures and modules.

    Returns
    -------
    list of Source
        Networks under names that differ.

    Raises
    ------
    UsageError
        If a folder holds no network, or there are fewer than two in all.

    Examples
    --------
    >>> [source.name for source in sources_of(["a/net.pt", "b/net.pt"])]
    ['a/net', 'b/net']
    """
    found: list[tuple[str, Network]] = []
    for one in given:
        folder = folder_of(one)
        if folder is None:
            found.append(("", one))
            continue
        files = sorted(
            (path for path in folder.iterdir() if path.suffix in ENDINGS), key=lambda path: natural(path.name)
        )
        if not files:
            expected = f"files that end in {', '.join(ENDINGS)}"
            raise UsageError(folder, found="a folder without networks", expected=expected, do="name the files")
        found += [(folder.name, path) for path in files]
    if len(found) < 2:
        raise UsageError("compare", found=f"{len(found)} network", expected="two or more", do="name another")
    names = _different([network for _, network in found])
    return [Source(name, group, network) for name, (group, network) in zip(names, found, strict=True)]


def _different(networks: Sequence[Network]) -> list[str]:
    """Name networks by as many parts of their paths as tell them apart."""
    parts = [_parts(one) for one in networks]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(path[-depth:]) for path in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{name} {number}" for number, name in enumerate(names, 1)]


def _parts(network: Network) -> tuple[str, ...]:
    return (type(network).__name__,) if isinstance(network, nn.Module) else Path(network).with_suffix("").parts


def open_members(
    sources: Sequence[Source],
    data: Any,
    out: str | Path,
    load: LoadOptions = LoadOptions(),
    where: DataOptions = DataOptions(),
    options: Options = Options(),
    stages: Sequence[str] = STAGES,
    overwrite: bool = False,
    told: Listener | None = None,
) -> list[Member]:
    """Open networks on the same data, and run stages on each, in folders of their own.

    Modules in memory are looked at inside `interp.checkpoints.as_found`, which is to last until they are compared.

    Parameters
    ----------
    sources
        Networks to open.
    data
        Data set; None for the one that the first names, which then serves all.
    out
        Folder whose ``networks`` takes a folder for each.
    load, where, options
        Options of how networks and data are opened, and of the stages.
    stages
        Names of the stages to run on each.
    overwrite
        Whether results of other networks in those folders are replaced.
    told
        Function to call for each stage that has come to its end.

    Returns
    -------
    list of Member
        Networks with their results.

    Raises
    ------
    InterpError
        If a network or the data cannot be used, or two networks have different tasks or numbers of outputs.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> sources = sources_of(["zoo/pretrained/abs-digits.pt", "zoo/pretrained/relu-digits.pt"])
    >>> with TemporaryDirectory() as folder:
    ...     members = open_members(sources, None, folder, stages=["record"])
    >>> [member.run.model.task for member in members]
    ['classification', 'classification']
    """
    runs: list[Run] = []
    for number, source in enumerate(sources):  # all of them, before the long work on the first
        own = Path(out) / "networks" / f"{number + 1:03d}"
        run = start(source.network, own, data, load, where, options, overwrite=overwrite)
        if isinstance(source.network, nn.Module):
            run = replace(run, model=replace(run.model, path=source.name))
        data = run.data
        runs.append(run)
        _check_alike(sources[0].name, runs[0].model, source.name, run.model)
    return [_member(source, run, stages, overwrite, told) for source, run in zip(sources, runs, strict=True)]


def _member(source: Source, run: Run, stages: Sequence[str], overwrite: bool, told: Listener | None) -> Member:
    """Run stages on one network."""
    with locked(run.out):
        if overwrite:
            remove_run(run.out, [stage.file for stage in run.stages.values()])
        done = run_stages(run, list(stages), told)
    fields = {field: part for name, part in done.items() if (field := run.stage(name).field) is not None}
    return Member(source.name, source.group, run, fields)


def _check_alike(first: str, ours: LoadedModel, other: str, theirs: LoadedModel) -> None:
    """Refuse networks that are asked for different things."""
    facts = {"task": (ours.task, theirs.task), "outputs": (ours.every_layer[-1].nodes, theirs.every_layer[-1].nodes)}
    for what, (mine, found) in facts.items():
        if mine != found:
            raise UsageError(other, found=f"{what} {found}", expected=f"{mine}, as of {first}", do="leave it out")
