"""The zoo's checkpoint: one dict of plain values and tensors that opens with ``weights_only``.

=============  =====================================================================
key            value
=============  =====================================================================
format         ``interp-zoo``
version        1
builder        ``zoo.architectures:build``
architecture   a name of `zoo.architectures.ARCHITECTURES`
arguments      keyword arguments of the builder
state_dict     parameter name -> tensor
data           name of the training data, such as ``digits``
scaling        what was done to the inputs, such as ``x/16``
input_shape    one sample as the module takes it, such as [64] or [1, 8, 8]
activation     of the hidden layers, such as ``abs``
output         ``linear``, ``activation``, ``negated-activation``, ``distance`` or ``negated-distance``
seed           of every draw
epoch, epochs  epochs done, and asked for
recipe         hyper-parameters
metrics        ``train_accuracy``, ``train_loss``, ``test_accuracy``, ``test_loss``
=============  =====================================================================
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from interp.errors import CheckpointError, MismatchError, first_line
from interp.store import write_bytes
from zoo.architectures import build, describe
from zoo.recipes import Recipe

FORMAT, VERSION, BUILDER = "interp-zoo", 1, "zoo.architectures:build"


def save(
    path: Path,
    recipe: Recipe,
    state: Mapping[str, Tensor],
    *,
    seed: int,
    epoch: int,
    metrics: Mapping[str, float],
) -> None:
    """Write one trained network, whole or not at all.

    Parameters
    ----------
    path
        Where to.
    recipe
        How it was trained.
    state
        Its ``state_dict``; copied, since a view would drag its whole stack into the file.
    seed, epoch
        Of the draws, and epochs done.
    metrics
        Accuracy in [0, 1] and mean loss, per split.
    """
    save_tensors(
        path,
        {
            "format": FORMAT,
            "version": VERSION,
            "builder": BUILDER,
            "architecture": recipe.architecture,
            "arguments": dict(recipe.arguments),
            "state_dict": {name: tensor.detach().cpu().clone() for name, tensor in state.items()},
            "data": recipe.data,
            "scaling": recipe.scaling,
            "input_shape": list(recipe.input_shape),
            **describe(recipe.architecture),
            "seed": seed,
            "epoch": epoch,
            "epochs": recipe.epochs,
            "recipe": recipe.settings(),
            "metrics": {name: float(value) for name, value in metrics.items()},
        },
    )


def save_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Write a dict with `torch.save`, whole or not at all.

    It is made in memory first: on a full disk torch raises an error of its own kind, the plain write an OSError.

    Parameters
    ----------
    path
        Path of the file; a file that is there is replaced.
    content
        Tensors and plain values by name.

    Raises
    ------
    UsageError
        If the file cannot be written, as `interp.store.atomic_path` says.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, buffer.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """Read a zoo checkpoint.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or of another kind.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails with many types; each means the same here
        raise CheckpointError(path, found=first_line(error), expected="a zoo checkpoint", do="train it anew") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise CheckpointError(path, found="another kind of file", expected="a zoo checkpoint", do="train it anew")
    return content


def module_of(content: Mapping[str, Any]) -> nn.Sequential:
    """Build the network that a checkpoint holds, in eval mode."""
    module = build(content["architecture"], **content["arguments"])
    module.load_state_dict(content["state_dict"])
    return module.eval()


def is_finished(path: Path, recipe: Recipe, seed: int) -> bool:
    """Tell whether `path` already holds this very training.

    Raises
    ------
    MismatchError
        If it holds another one, which must not be overwritten silently.
    """
    if not path.exists():
        return False
    content = load(path)
    kept = ("architecture", "data", "scaling", "epochs")
    found = {key: content[key] for key in (*kept, "arguments", "seed")} | content["recipe"]
    wanted = {key: getattr(recipe, key) for key in kept} | {"arguments": dict(recipe.arguments), "seed": seed}
    wanted |= recipe.settings()
    for key in wanted | found:  # either may hold what the other lacks, such as an attack
        if found.get(key) != wanted.get(key):
            raise MismatchError(
                path,
                found=f"{key} {found.get(key)}",
                expected=str(wanted.get(key)),
                do="delete it or choose another --out",
            )
    return True
