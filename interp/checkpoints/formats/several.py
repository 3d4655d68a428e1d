"""Files that hold several states of one network, such as the snapshots of a training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from interp.checkpoints.formats.contents import shapes_of, states_in
from interp.safety import load_weights

TORCH = (".pt", ".pth", ".ckpt", ".bin")


def several_states(path: Path) -> dict[str, Mapping[str, Tensor]]:
    """Give the states in a torch file that have the same names and shapes as the first of them.

    Parameters
    ----------
    path
        File that `torch.save` wrote, of a mapping or list of state dicts; no code in it is run.

    Returns
    -------
    dict
        Name of a state, the keys that lead to it, -> its tensors; empty for any other file.
    """
    if path.suffix not in TORCH:
        return {}
    try:
        loaded = load_weights(path)
    except Exception:  # what opens networks says what is wrong with a file
        return {}
    states = [(where, state) for where, state, _ in states_in(_named(loaded)) if where]
    if not states:
        return {}
    first = (set(states[0][1]), shapes_of(states[0][1]))
    alike = [(where, state) for where, state in states if (set(state), shapes_of(state)) == first]
    return {"-".join(where): state for where, state in alike} if len(alike) > 1 else {}


def _named(loaded: Any) -> Any:
    """Give a list's entries their numbers for names."""
    return {str(place): one for place, one in enumerate(loaded)} if isinstance(loaded, list | tuple) else loaded
