"""One of several networks in a file: a member of a list or mapping of states, or the tensors under one prefix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from interp.checkpoints.formats.contents import Contents, strip_wrappers
from interp.checkpoints.weights.companions import shorten
from interp.errors import CheckpointError, UsageError, unknown_name

MOST_SHOWN = 12
"""Largest number of members that an error lists."""

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
"""Types of weights in fixed point."""


def select(
    contents: Contents, path: object, member: str | None, prefix: str | None, fraction: int | None = None
) -> Contents:
    """Keep what the user asks for of a file's contents.

    Parameters
    ----------
    contents
        All that the file holds.
    path
        Name of the file, for error messages.
    member
        Number or name of one of several states; None for the one that the reader chose.
    prefix
        Beginning of the names to keep, with or without its dot, which is taken off; None to keep all.
    fraction
        Number of binary digits behind the point of whole numbers; None to leave these as they are.

    Raises
    ------
    CheckpointError
        If the file holds a list of several states, and none is chosen.
    UsageError
        If there is no such member or prefix.
    """
    if member is not None:
        contents = _member(contents, member)
    elif contents.members and not contents.state:
        raise CheckpointError(
            path,
            found=f"a list of {len(contents.members)} state dicts ({_listed(contents.members)})",
            expected="one network",
            do="choose one with --member N",
        )
    contents = contents if prefix is None else _under(contents, prefix)
    return contents if fraction is None else _fixed_point(contents, fraction)


def _member(contents: Contents, member: str) -> Contents:
    if member not in contents.members:
        if not contents.members:
            raise UsageError(
                f"--member {member}", found="a file of one network", expected="several states", do="leave it out"
            )
        raise unknown_name("--member", member, contents.members)
    state, _ = strip_wrappers(contents.members[member])
    note = f"member {member!r} of {len(contents.members)}, given with --member"
    return Contents(state, metadata=contents.metadata, notes=(note,))


def _listed(members: Mapping[str, Mapping[str, Tensor]]) -> str:
    """Name members with the shapes of their matrices."""
    said = []
    for name, state in list(members.items())[:MOST_SHOWN]:
        shapes = ["x".join(map(str, tensor.shape)) for tensor in state.values() if tensor.dim() > 1]
        said.append(f"{name}: {shorten(shapes)}")
    return "; ".join(said) + ("; ..." if len(members) > MOST_SHOWN else "")


def _under(contents: Contents, prefix: str) -> Contents:
    """Keep the tensors whose names begin with a prefix, and nothing of the whole network's graph."""
    begins = prefix if prefix.endswith(".") else f"{prefix}."
    state = {name.removeprefix(begins): tensor for name, tensor in contents.state.items() if name.startswith(begins)}
    if not state:
        tops = dict.fromkeys(name.partition(".")[0] for name in contents.state if "." in name)
        raise unknown_name("--prefix", prefix, tops)
    parts = {name.removeprefix(begins): part for name, part in contents.parts.items() if name.startswith(begins)}
    note = f"{len(state)} of {len(contents.state)} tensors, those under {begins!r}, given with --prefix"
    return replace(
        contents, state=state, parts=parts, module=None, graph=None, graph_problem="", notes=(*contents.notes, note)
    )


def _fixed_point(contents: Contents, fraction: int) -> Contents:
    """Read whole numbers as fractions, n / 2^fraction; single ones, such as counters, stay."""
    whole = [name for name, tensor in contents.state.items() if tensor.dim() and tensor.dtype in WHOLE]
    if not whole:
        raise UsageError(
            f"--fixed-point {fraction}", found="no tensors of whole numbers", expected="some", do="leave it out"
        )
    state = {
        name: contents.state[name].float() / 2**fraction if name in whole else contents.state[name]
        for name in contents.state
    }
    note = f"{len(whole)} tensors of whole numbers read as n / 2^{fraction}, given with --fixed-point"
    return replace(contents, state=state, notes=(*contents.notes, note))
