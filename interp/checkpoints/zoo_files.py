"""Checkpoints that say themselves how they were built, trained and fed."""

from __future__ import annotations

import importlib

from torch import nn

from interp.checkpoints.contents import Contents
from interp.checkpoints.user_model import load_into
from interp.errors import CheckpointError
from interp.types import Inference

BUILDERS = ("zoo.architectures:build",)
"""The only functions that a checkpoint may name: it must not choose what code runs."""

REQUIRED = ("version", "builder", "architecture", "arguments", "data", "scaling", "input_shape")


def build_zoo_model(contents: Contents, path: object) -> nn.Module:
    """Build the module that a zoo checkpoint names and load its weights.

    Raises
    ------
    CheckpointError
        If entries are missing, the builder is not the zoo's, or weights do not fit.
    """
    said = contents.metadata
    missing = [name for name in REQUIRED if name not in said]
    if missing or said["version"] != 1:
        what = f"no {missing[0]!r}" if missing else f"version {said['version']}"
        raise CheckpointError(
            path, found=what, expected="a zoo checkpoint of version 1", do="train it anew with `python -m zoo train`"
        )
    if said["builder"] not in BUILDERS:
        raise CheckpointError(
            path,
            found=f"builder {said['builder']!r}",
            expected=f"{BUILDERS[0]!r}",
            do="pass your own class with --model",
        )
    module_name, _, function = BUILDERS[0].partition(":")
    try:
        module = getattr(importlib.import_module(module_name), function)(said["architecture"], **said["arguments"])
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(
            path,
            found=f"architecture {said['architecture']!r} with {said['arguments']}",
            expected="one that this zoo builds",
            do="see `python -m zoo list`",
        ) from error
    assert isinstance(module, nn.Module)
    load_into(module, contents.state, path)
    return module.eval().requires_grad_(False)


def zoo_facts(contents: Contents) -> tuple[dict[str, Inference], tuple[int, ...]]:
    """Give what the file states, all certain, and the shape of one sample."""
    said, why = contents.metadata, "stated in the checkpoint"
    epochs = int(said.get("epoch", 0))
    facts = {
        "architecture": Inference(said["architecture"], "certain", why),
        "input_scaling": Inference(said["scaling"], "certain", why),
        "trained": Inference(epochs > 0, "certain", f"{epochs} epochs, stated in the checkpoint"),
    }
    return facts, tuple(int(size) for size in said["input_shape"])
