"""Snapshots of one training: their order, and what changed along it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from interp.checkpoints import Network
from interp.checkpoints.formats.several import several_states
from interp.checkpoints.inference.stack.order import natural
from interp.comparison.aligned import distance
from interp.comparison.answers import Answers
from interp.comparison.files import write_state
from interp.comparison.members import ENDINGS, Member, folder_of
from interp.comparison.scores import agreement
from interp.errors import UsageError
from interp.store import check_writable

CLOCKS = ("epoch", "global_step", "step")
"""Names under which checkpoints state when they were taken."""


def unpacked(given: Sequence[Network], out: str | Path) -> list[Network]:
    """Give networks with each file of several snapshots in place of them replaced by a folder of single ones.

    Parameters
    ----------
    given
        Files, folders and modules, as the user names them.
    out
        Folder whose ``snapshots`` takes the single files.

    Returns
    -------
    list
        Networks to compare.

    Examples
    --------
    >>> unpacked(["zoo/pretrained/abs-digits.pt"], "out")
    ['zoo/pretrained/abs-digits.pt']
    """
    return [_unpacked(one, Path(out)) for one in given]


def _unpacked(given: Network, out: Path) -> Network:
    if isinstance(given, nn.Module) or folder_of(given) is not None or not Path(given).is_file():
        return given
    states = several_states(Path(given))
    if len(states) < 2:
        return given
    check_writable(out)
    folder = out / "snapshots" / Path(given).stem
    written = {folder / _file_name(place, name, states): state for place, (name, state) in enumerate(states.items())}
    for path, state in written.items():
        write_state(path, state)
    for old in {path for path in folder.iterdir() if path.suffix in ENDINGS} - set(written):
        old.unlink()  # of an earlier comparison, and no snapshot of this training
    return folder


def _file_name(place: int, name: str, names: Iterable[str]) -> str:
    """Name a file by what the snapshot is called, which a stranger may have chosen: letters, digits and hyphens."""
    plain = {one: re.sub(r"[^A-Za-z0-9]+", "-", one).strip("-") for one in names}
    alone = plain[name] and list(plain.values()).count(plain[name]) == 1
    return f"{plain[name][:80]}.safetensors" if alone else f"snapshot-{place}.safetensors"


def in_training_order(members: Sequence[Member]) -> list[Member]:
    """Put snapshots into the order in which they were taken.

    By the epoch or step that all of them state, if these differ; else by name, numbers in it as numbers.

    Parameters
    ----------
    members
        Snapshots of one training.

    Raises
    ------
    UsageError
        If they do not have the same parameters.
    """
    shapes = [_shapes(member) for member in members]
    for member, other in zip(members, shapes, strict=True):
        if other != shapes[0]:
            expected = f"those of {members[0].name}, as snapshots of one training have"
            raise UsageError(member.name, found="other parameters", expected=expected, do="compare without --snapshots")
    clock = _clock(members)
    if clock is not None:
        return sorted(members, key=lambda member: float(member.run.model.metadata[clock]))
    return sorted(members, key=lambda member: natural(member.name))


def _shapes(member: Member) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in member.run.model.module.state_dict().items()}


def _clock(members: Sequence[Member]) -> str | None:
    """Give what all snapshots state in whole numbers that differ."""
    for name in CLOCKS:
        stated = [member.run.model.metadata.get(name) for member in members]
        if all(type(one) is int for one in stated) and len(set(stated)) == len(stated):
            return name
    return None


def snapshot_rows(members: Sequence[Member], answers: Sequence[Answers], networks: pd.DataFrame) -> pd.DataFrame:
    """Give one row a snapshot: its score, and how far it is from the one before and from the last.

    Parameters
    ----------
    members
        Snapshots in the order in which they were taken.
    answers
        Answers of each.
    networks
        Networks with their scores, a row each.
    """
    clock = _clock(members)
    rows = []
    for place, member in enumerate(members):
        before, last = max(place - 1, 0), len(members) - 1
        rows.append(
            {
                "network": member.name,
                "place": place,
                "taken_at": np.nan if clock is None else member.run.model.metadata[clock],
                **networks.loc[place, ["score", "low", "high"]].to_dict(),
                "agreement_before": agreement(answers[before], answers[place]) if place else np.nan,
                "agreement_last": agreement(answers[place], answers[last]),
                "weights_moved": _distance(members[before], member) if place else np.nan,
                "weights_from_last": _distance(members[last], member),
            }
        )
    return pd.DataFrame(rows)


def _distance(first: Member, other: Member) -> float:
    return distance(first.run.model.module, other.run.model.module)


def snapshot_layer_rows(members: Sequence[Member], alignment: pd.DataFrame) -> pd.DataFrame:
    """Give one row a snapshot and layer: how alike it is to the one before and to the last, and the kinds of its nodes.

    Parameters
    ----------
    members
        Snapshots in the order in which they were taken.
    alignment
        Debiased CKA of every pair of networks and layers.
    """
    cka = _same_layers(alignment)
    names = [member.name for member in members]
    return pd.DataFrame(
        [
            {
                "network": member.name,
                "place": place,
                "layer": layer.name,
                "cka_before": cka.get((names[place - 1], member.name, layer.name), np.nan) if place else np.nan,
                "cka_last": cka.get((member.name, names[-1], layer.name), 1.0),
                **_kinds(member, layer.name),
            }
            for place, member in enumerate(members)
            for layer in member.run.model.layers
        ]
    )


def _same_layers(alignment: pd.DataFrame) -> Mapping[tuple[str, str, str], float]:
    rows = alignment[alignment["first_layer"] == alignment["second_layer"]]
    keys = zip(rows["first"], rows["second"], rows["first_layer"], strict=True)
    return dict(zip(keys, rows["cka"], strict=True))


def _kinds(member: Member, layer: str) -> dict[str, float]:
    found = member.found.get("boundaries", {}).get(layer)
    kinds = np.empty(0, str) if found is None else np.asarray(found.kind)
    return {name: float((kinds == name).mean()) if len(kinds) else np.nan for name in ("dead", "one-sided", "coherent")}
