"""What one file holds, before anything is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from interp.checkpoints.formats.inert import Inert, is_module, parts_of, state_of
from interp.checkpoints.graph.steps import Graph, Part
from interp.checkpoints.weights.companions import shorten, without_averaged_copy
from interp.checkpoints.weights.packed import tensors_in
from interp.checkpoints.weights.quantised_modules import NOTE, in_floats
from interp.errors import CheckpointError

STATE_NAMES = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "parameters", "module")
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.", "network.", "online_model.", "_forward_module.")
NOT_WEIGHTS = ("optim", "sched", "scaler", "loop", "callback")


OPTIMIZER = {"state", "param_groups"}
"""Keys of the state of one of torch's optimizers, whose tensors have the shapes of the network's weights."""


@dataclass(frozen=True)
class Contents:
    """Weights in a file, and what else it states.

    Attributes
    ----------
    state
        Parameter name -> tensor on the CPU, without the prefixes of wrappers.
    format
        Name of the format where a file is of a special form, such as ``zoo``; empty for the reader's own name.
    module
        Unpickled module; only ever with ``--allow-pickle``.
    parts
        Dotted name of a submodule -> its class and settings, as a pickled module states them; its code is never loaded.
    graph
        Operations in running order, where the format states them.
    graph_problem
        Operation of a stated graph that no part here does, where `graph` is None for that reason.
    metadata
        Other entries of the file that are plain values.
    notes
        Sentences on how the weights were found.
    members
        Name of one of several states in the file, or its number in a list -> its tensors.
    is_choice
        Whether other networks in the file are as likely to be meant, of which neither names nor matrices tell.
    """

    state: Mapping[str, Tensor]
    format: str = ""
    module: nn.Module | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    graph: Graph | None = None
    graph_problem: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    members: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    is_choice: bool = False


def contents_of(loaded: Any, path: object) -> Contents:
    """Find the weights in whatever `torch.load` gave.

    Raises
    ------
    CheckpointError
        If there are no tensors in it.
    """
    if isinstance(loaded, nn.Module):
        floats = in_floats(loaded, path)
        if floats is not None:
            return Contents(dict(floats.state_dict()), module=floats, notes=(NOTE,))
        return Contents(dict(loaded.state_dict()), module=loaded)
    if isinstance(loaded, Mapping) and loaded.get("format") == "interp-zoo":
        rest = {str(key): value for key, value in loaded.items() if key != "state_dict"}
        return Contents(_zoo_state(loaded.get("state_dict"), path), "zoo", metadata=rest)
    if isinstance(loaded, list | tuple) and (members := _listed(loaded)):
        only = next(iter(members)) if len(members) == 1 else None
        return Contents({}, members=members) if only is None else contents_of(loaded[int(only)], path)
    if isinstance(loaded, Mapping) and set(loaded) == OPTIMIZER:
        raise CheckpointError(
            path, found="the state of an optimizer", expected="a network's weights", do="save model.state_dict()"
        )
    if isinstance(loaded, Mapping) and not holds_weights(loaded) and (members := _lists_in(loaded)):
        only = next(iter(members)).rpartition("/")[0] if len(members) == 1 else None
        if only is None:
            return Contents({}, metadata=_plain(loaded), members=members)
        (inner,) = (value for key, value in loaded.items() if str(key) == only)
        return replace(contents_of(inner, path), metadata=_plain(loaded))
    holder, notes, is_choice = _find_state(loaded, path)
    members = {"/".join(where): inner for where, inner, _ in states_in(loaded) if where}
    if isinstance(holder, Inert):
        parts = parts_of(holder)
        notes += (f"a pickled {holder.class_name}, of which no code was run",)
        named = "" if holder.class_name.startswith("__torch__.") else "torch-module"
        plain = _plain(loaded)
        return Contents(
            state_of(parts), named, parts=parts, metadata=plain, notes=notes, members=members, is_choice=is_choice
        )
    kept, left_out = without_averaged_copy(holder)
    state, prefix = strip_wrappers(kept)
    if prefix:
        notes += (f"prefix {prefix!r} taken off every name",)
    return Contents(state, metadata=_plain(loaded), notes=notes + left_out, members=members, is_choice=is_choice)


def _listed(loaded: list[Any] | tuple[Any, ...]) -> dict[str, dict[str, Tensor]]:
    """Give the weights of each entry of a list that holds any, by its number."""
    found = {}
    for place, entry in enumerate(loaded):
        states = list(states_in(entry))
        if states:
            found[str(place)] = max(states, key=lambda item: _rank(item[0], item[1]))[1]
    return found


def _lists_in(loaded: Mapping[Any, Any]) -> dict[str, dict[str, Tensor]]:
    """Give the weights of each entry of the lists in a mapping, by the list's key and the entry's number."""
    return {
        f"{key}/{place}": state
        for key, value in loaded.items()
        if isinstance(value, list | tuple) and not any(word in str(key).lower() for word in NOT_WEIGHTS)
        for place, state in _listed(value).items()
    }


def _find_state(loaded: Any, path: object) -> tuple[Any, tuple[str, ...], bool]:
    """Find what holds the weights, a mapping of tensors or a module's stand-in; say where it was, and if by choice."""
    found = list(states_in(loaded))
    if not found:
        raise CheckpointError(path, found=_kind(loaded), expected="a state dict", do="save model.state_dict()")
    where, state, holder = max(found, key=lambda item: _rank(item[0], item[1]))
    notes = [f"weights under {'/'.join(where)!r}"] if where else []
    others = {repr("/".join(other)): inner for other, inner, _ in found if other != where}
    alike = [name for name, inner in others.items() if shapes_of(inner) == shapes_of(state)]
    rest = [name for name, inner in others.items() if name not in alike and any(t.dim() > 1 for t in inner.values())]
    for which, names in (("the same", alike), ("other", rest)):
        notes += [f"weights of {which} shapes under {shorten(names)} were left"] if names else []
    own = _rank(where, state)[:-1]
    equals = ["/".join(other) for other, inner, _ in found if other != where and _rank(other, inner)[:-1] == own]
    is_choice = bool(equals) and own[0] > 0
    if is_choice:
        notes.append(f"a choice, for its size or as the first: take {shorten(equals)} with --member NAME")
    return holder, tuple(notes), is_choice


def shapes_of(state: Mapping[str, Tensor]) -> list[tuple[int, ...]]:
    """Give the shapes of all tensors but single numbers, in one order."""
    return sorted(tuple(tensor.shape) for tensor in state.values() if tensor.dim())


def _zoo_state(state: Any, path: object) -> dict[str, Tensor]:
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            path,
            found=f"state_dict: {_kind(state)}",
            expected="a zoo checkpoint's tensors by name",
            do="train it anew with `python -m zoo train`",
        )
    return {str(name): tensor for name, tensor in state.items()}


def _kind(loaded: Any) -> str:
    """Say what was loaded in place of weights."""
    if isinstance(loaded, Tensor):
        return "one tensor"
    name = type(loaded).__name__
    if isinstance(loaded, Inert):
        return f"a pickled {loaded.class_name} without tensors"
    if isinstance(loaded, (list, tuple)) and loaded and all(isinstance(entry, Tensor) for entry in loaded):
        return f"a {name} of {len(loaded)} tensors without names"
    if isinstance(loaded, (Mapping, list, tuple)):
        return f"{name} without tensors" if len(loaded) else f"empty {name}"
    return f"one value of type {name}"


def states_in(
    value: Any, where: tuple[str, ...] = (), seen: set[int] | None = None
) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor], Any]]:
    """Yield (keys that lead to it, its tensors, itself) for every mapping or module that holds tensors, once each."""
    seen = set() if seen is None else seen
    if id(value) in seen:  # kept under several names, or in itself
        return
    seen.add(id(value))
    if is_module(value):
        tensors = state_of(parts_of(value))
        if tensors:
            yield where, tensors, value
        return
    value = value.state if isinstance(value, Inert) else value
    if not isinstance(value, Mapping) or len(where) > 6:
        return
    tensors = tensors_in(value)
    if tensors:
        yield where, tensors, tensors
    for key, inner in value.items():
        if not any(word in str(key).lower() for word in NOT_WEIGHTS):
            yield from states_in(inner, (*where, str(key)), seen)


def holds_weights(loaded: Any) -> bool:
    """Whether there are tensors to be found in what was loaded."""
    return next(states_in(loaded), None) is not None


def _rank(where: tuple[str, ...], state: Mapping[str, Tensor]) -> tuple[int, int, int, int]:
    """Order by: holds matrices, usual name, not a moving average, size."""
    named = max((len(STATE_NAMES) - STATE_NAMES.index(key) for key in where if key in STATE_NAMES), default=0)
    averaged = any(re.search(r"ema|swa|averag", key.lower()) for key in where)
    matrices = sum(tensor.numel() for tensor in state.values() if tensor.dim() > 1)
    return (int(matrices > 0), named, int(not averaged), matrices)


def strip_wrappers(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Take off the prefixes that DataParallel, torch.compile and training classes put on every name.

    Single numbers beside the network, such as an averaged model's ``n_averaged``, keep theirs.
    """
    taken, names = "", list(state)
    counters = {name for name, tensor in state.items() if "." not in name and tensor.numel() == 1}
    while prefix := _common_prefix([name for name in names if name not in counters]):
        taken += prefix
        names = [name if name in counters else name[len(prefix) :] for name in names]
    return dict(zip(names, state.values(), strict=True)), taken


def _common_prefix(names: list[str]) -> str:
    return next((p for p in WRAPPERS if names and all(name.startswith(p) for name in names)), "")


def _plain(loaded: Any) -> dict[str, Any]:
    if not isinstance(loaded, Mapping):
        return {}
    return {str(k): v for k, v in loaded.items() if isinstance(v, (str, int, float, bool)) and len(str(v)) < 200}
