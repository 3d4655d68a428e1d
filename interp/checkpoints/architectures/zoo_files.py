"""Checkpoints that say themselves how they were built, trained and fed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from interp.checkpoints.architectures.user_model import load_into
from interp.checkpoints.formats.contents import Contents
from interp.data import data_names
from interp.errors import CheckpointError, UsageError, first_line
from interp.types import Inference

BUILDERS = ("zoo.architectures:build",)
"""The only functions that a checkpoint may name: it must not choose what code runs."""


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and 0 < len(value) < 5 and all(type(v) is int and v > 0 for v in value)


REQUIRED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "version": (lambda value: value == 1, "version 1"),
    "builder": (lambda value: value in BUILDERS, repr(BUILDERS[0])),
    "architecture": (lambda value: isinstance(value, str), "a name of `python -m zoo list`"),
    "arguments": (
        lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value),
        "names: values",
    ),
    "data": (lambda value: isinstance(value, str), "a name of a data set"),
    "scaling": (lambda value: isinstance(value, str), "such as 'x/255'"),
    "input_shape": (_is_shape, "positive whole numbers such as [1, 28, 28]"),
}
"""Entry -> whether its value is one, and what it should be."""


def build_zoo_model(contents: Contents, path: object) -> nn.Module:
    """Build the module that a zoo checkpoint names and load its weights.

    Raises
    ------
    CheckpointError
        If entries are missing or of another kind, the builder is not the zoo's, or weights do not fit.
    """
    for name, (fits, expected) in REQUIRED.items():
        value = contents.metadata.get(name)
        if not fits(value):
            what = f"{name} {value!r}" if name in contents.metadata else f"no {name!r}"
            do = "pass your own class with --model" if name == "builder" else "train it anew with `python -m zoo train`"
            raise CheckpointError(path, found=what, expected=expected, do=do)
    with torch.device("meta"):  # sizes are the file's to claim: nothing is allocated before the weights fit them
        load_into(_build(contents, path), contents.state, path, copy=False)
    module = _build(contents, path)
    load_into(module, contents.state, path)
    return module.eval().requires_grad_(False)


def _build(contents: Contents, path: object) -> nn.Module:
    said = contents.metadata
    module_name, _, function = BUILDERS[0].partition(":")
    try:
        module = getattr(importlib.import_module(module_name), function)(said["architecture"], **said["arguments"])
    except UsageError as error:
        raise CheckpointError(path, found=error.found, expected=error.expected, do=error.do) from error
    except Exception as error:  # a builder given nonsense fails in its own way
        raise CheckpointError(
            path,
            found=f"architecture {said['architecture']!r} with {said['arguments']} ({first_line(error)})",
            expected="one that this zoo builds",
            do="see `python -m zoo list`",
        ) from error
    assert isinstance(module, nn.Module)
    return module


def zoo_data(contents: Contents, path: object) -> str:
    """Give the name of the data set that a zoo checkpoint states: one of ours, since any other would import code.

    Raises
    ------
    CheckpointError
        If it names none, or another.
    """
    name = contents.metadata.get("data")
    if not isinstance(name, str) or name not in data_names():
        raise CheckpointError(
            path, found=f"data {name!r}", expected=f"one of {', '.join(data_names())}", do="name the data with --data"
        )
    return name


def zoo_facts(contents: Contents) -> tuple[dict[str, Inference], tuple[int, ...]]:
    """Give what the file states, all certain, and the shape of one sample."""
    said, why = contents.metadata, "stated in the checkpoint"
    facts = {
        "architecture": Inference(said["architecture"], "certain", why),
        "input_scaling": Inference(said["scaling"], "certain", why),
    }
    epochs = said.get("epoch")
    if type(epochs) is int:
        facts["trained"] = Inference(epochs > 0, "certain", f"{epochs} epochs, stated in the checkpoint")
    return facts, tuple(said["input_shape"])
