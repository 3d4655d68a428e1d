"""Files that hold several states of one network, such as the snapshots of a training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from interp.checkpoints.formats.contents import contents_of, shapes_of
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
        Name of a state, the keys that lead to it or its number in a list, -> its tensors; empty for any other file.
    """
    if path.suffix not in TORCH:
        return {}
    try:
        members = contents_of(load_weights(path), path).members
    except Exception:  # what opens networks says what is wrong with a file
        return {}
    kinds = {name: (set(state), shapes_of(state)) for name, state in members.items()}
    first = next(iter(kinds.values()), None)
    alike = {name.replace("/", "-"): state for name, state in members.items() if kinds[name] == first}
    return alike if len(alike) > 1 else {}
