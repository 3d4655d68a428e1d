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
activation     activation of the hidden layers, such as ``abs``
output         ``linear``, ``activation``, ``negated-activation``, ``distance`` or ``negated-distance``
seed           seed of the random number generators
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
        Path of the checkpoint; a file that is there is replaced.
    recipe
        Recipe that it was trained by.
    state
        ``state_dict`` of the network; copied, since a view would drag its whole stack into the file.
    seed
        Seed that its start and its sample orders were drawn with.
    epoch
        Number of epochs done.
    metrics
        Accuracy in [0, 1] and mean cross-entropy in nats of each split, as `zoo.training.evaluate.metrics` gives them.

    Raises
    ------
    UsageError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> arguments = {"inputs": 2, "hidden": 3, "classes": 2}
    >>> recipe = Recipe("abs", "abs", "mine", "raw", (2,), arguments)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "abs.pt")
    ...     save(path, recipe, build("abs", **arguments).state_dict(), seed=7, epoch=60, metrics={})
    ...     load(path)["seed"]
    7
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
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_tensors(Path(folder, "a.pt"), {"epoch": 3})
    ...     torch.load(Path(folder, "a.pt"))
    {'epoch': 3}
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, buffer.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """Read a zoo checkpoint.

    Parameters
    ----------
    path
        Path of the checkpoint.

    Returns
    -------
    dict
        Content of the file, by the keys of the table above; tensors on the CPU.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or of another kind.

    Examples
    --------
    >>> load(Path("zoo/pretrained/abs-digits.pt"))["scaling"]
    'x/16'
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails with many types; each means the same here
        raise CheckpointError(path, found=first_line(error), expected="a zoo checkpoint", do="train it anew") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise CheckpointError(path, found="another kind of file", expected="a zoo checkpoint", do="train it anew")
    return content


def module_of(content: Mapping[str, Any]) -> nn.Sequential:
    """Build the network that a checkpoint holds.

    Parameters
    ----------
    content
        Content of the checkpoint, as `load` gives it.

    Returns
    -------
    Sequential
        The trained network, in eval mode on the CPU.

    Examples
    --------
    >>> module_of(load(Path("zoo/pretrained/abs-digits.pt"))).hidden
    Linear(in_features=64, out_features=48, bias=True)
    """
    module = build(content["architecture"], **content["arguments"])
    module.load_state_dict(content["state_dict"])
    return module.eval()


def is_finished(path: Path, recipe: Recipe, seed: int) -> bool:
    """Tell whether a file already holds this very training.

    Parameters
    ----------
    path
        Path of the checkpoint, which need not be there.
    recipe
        Recipe of the training.
    seed
        Seed of the training.

    Raises
    ------
    CheckpointError
        If the file is damaged or of another kind.
    MismatchError
        If it holds another training, which must not be overwritten silently.

    Examples
    --------
    >>> is_finished(Path("missing.pt"), Recipe("abs", "abs", "digits", "x/16", (64,)), seed=0)
    False
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
