"""Nodes of a program that become torch modules: layers, and norms and activations that follow them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.deployed.modules.biases import is_layer, with_biases
from interp.checkpoints.deployed.modules.quantised import Quantised, quantised
from interp.checkpoints.deployed.modules.transposed import TRANSPOSED, transposed
from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, attributes
from interp.checkpoints.formats.onnx.activations import ACTIVATIONS
from interp.checkpoints.formats.onnx.nodes import Node
from interp.checkpoints.formats.onnx.operations import read_node
from interp.checkpoints.graph.layers import build_layer
from interp.checkpoints.graph.operations import OPERATIONS
from interp.checkpoints.graph.patterns import ELEMENTWISE, with_activations
from interp.checkpoints.graph.steps import BATCH_NORM, Part, Step, UnknownOperation
from interp.checkpoints.graph.values import UNKNOWN, Ref, Stored

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
FOLLOWING = ("BatchNormalization", "MaxPool", *ACTIVATIONS)
"""Operations that become modules where they read one; on axes other than that of the samples, all of them."""

ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min")
"""Operations that activations are spelled out in."""

IN_ONNXRUNTIME = "onnxruntime"
"""Kind of a step that becomes no module."""


@dataclass(frozen=True)
class Planned:
    """One node of a program, and the module that it becomes.

    Attributes
    ----------
    inputs, outputs
        Names of the values that are read and made.
    node
        The node itself (NodeProto); several where an activation or a bias is written out in more than one.
    name, module
        Dotted name and module; None where ONNX Runtime runs the node.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    node: Any
    name: str = ""
    module: nn.Module | None = None


def planned(program: Program, ranks: Mapping[str, int], stored: Mapping[str, Stored]) -> dict[str, Planned]:
    """Give the modules of a program by the value that each makes.

    Parameters
    ----------
    program
        Program with its constants computed.
    ranks
        Number of axes of a value by its name, where it is known.
    stored
        Constants of numbers by name, as `stored_numbers` gives them.
    """
    steps = [_step(node, stored, program) for node in program.nodes]
    whole = quantised(with_biases(with_activations(steps), program), program, stored)
    made: dict[str, Planned] = {}
    of_layer: dict[str, str] = {}
    for step in whole:
        if step.part.kind == IN_ONNXRUNTIME or (_follows(step) and step.inputs[0] not in made):
            continue
        source = _layer_of(step, of_layer)
        if step.part.kind == "Arithmetic" and source is None:
            continue
        if step.part.kind in ("Softmax", "LogSoftmax", "CoercedSoftmax"):
            step = _last_axis(step, ranks.get(step.inputs[0]))
        module = None if step.part.kind == IN_ONNXRUNTIME else _module(step.part)
        if module is not None:
            made[step.output] = Planned(step.inputs, (step.output,), None, step.name, module)
            of_layer |= {step.output: source} if source is not None else {}
    return made


def _layer_of(step: Step, known: Mapping[str, str]) -> str | None:
    """Name the value of the layer that a value is a function of, each number of one number; None for any other."""
    if is_layer(step.part) or step.part.kind == BATCH_NORM:
        return step.output
    numbers = all(tensor.numel() == 1 for tensor in step.part.tensors.values())
    sources = {known.get(name) for name in step.inputs}
    return next(iter(sources)) if step.part.kind in ELEMENTWISE and numbers and len(sources) == 1 else None


def _follows(step: Step) -> bool:
    return not is_layer(step.part)


def stored_numbers(program: Program) -> dict[str, Stored]:
    """Give the constants of a program that are numbers, by name."""
    found = installed()
    kept = {}
    for name, tensor in program.constants.items():
        values = found.onnx.numpy_helper.to_array(tensor)
        if values.dtype.kind in "fiub":
            kind = np.float32 if values.dtype.kind == "f" else np.int64
            kept[name] = Stored(name, torch.from_numpy(np.array(values, kind)))
    return kept


def _step(node: Any, stored: Mapping[str, Stored], program: Program) -> Step:
    """Read a node as the reader of files does; what that does not list stays a node, with the reason."""
    output = node.output[0]
    computed = tuple(name for name in node.input if name and name not in program.constants)

    def left(why: str) -> Step:
        return Step(output, Part(IN_ONNXRUNTIME, {"why": why}), computed or (output,), output)

    is_softmax = node.op_type in ("Softmax", "LogSoftmax")
    is_listed = is_softmax or node.op_type in (*LAYERS, *FOLLOWING, *ARITHMETIC)
    if node.domain not in ("", "ai.onnx"):
        return left(f"an operator of {node.domain}")
    if not is_listed or any(node.output[1:]) or len(computed) == 0:
        return left("an operator that no module here computes")
    inputs = tuple(
        None if not name else Ref(name) if name not in program.constants else stored.get(name, UNKNOWN)
        for name in node.input
    )
    try:
        read = Node(node.op_type, node.name, inputs, output, attributes(node), program.version)
        made = read_node(read) if node.op_type != "ConvTranspose" else transposed(read)
        usable = isinstance(made, Step) and (made.part.kind in ELEMENTWISE or len(made.inputs) == 1)
        return made if usable and _keeps_rows(made.part) else left("values that are all computed")
    except UnknownOperation as error:
        return left(str(error))
    except (AssertionError, KeyError, IndexError, TypeError, ValueError):
        return left("settings that are not read here")


def why_no_module(node: Any, stored: Mapping[str, Stored], program: Program) -> str:
    """Say why a layer becomes no module.

    Parameters
    ----------
    node
        Layer (NodeProto) that `planned` made no module of.
    stored
        Constants of numbers by name.
    program
        Program that the node is of.
    """
    return str(_step(node, stored, program).part.settings.get("why", "settings that no module here has"))


def _keeps_rows(part: Part) -> bool:
    """Refuse pooling whose last windows hang over, which torch and ONNX cut differently."""
    return not part.settings.get("ceil_mode")


# --------------------------------------------------------------------------- modules


class AnyBatchNorm(nn.modules.batchnorm._BatchNorm):
    """A batch norm over whatever axes follow that of the channels."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass


def _module(part: Part) -> nn.Module | None:
    """Build a module in eval mode; None for what cannot be built."""
    if part.kind == BATCH_NORM:
        norm = AnyBatchNorm(part.settings["num_features"], part.settings["eps"], affine=part.settings["affine"])
        norm.load_state_dict({name: tensor.float() for name, tensor in part.tensors.items()}, strict=False)
        return norm.eval().requires_grad_(False)
    if part.kind in (*TRANSPOSED, "Conv3d"):  # kinds that networks which are all ours do not have
        settings = {"bias": "bias" in part.tensors, **part.settings}
        layer: nn.Module = TRANSPOSED.get(part.kind, nn.Conv3d)(**settings)
        layer.load_state_dict(dict(part.tensors))
        return layer.eval().requires_grad_(False)
    if part.kind == "Quantised":
        return Quantised(part)
    found = OPERATIONS.get(part.kind, build_layer)(part)
    return None if found is None else found.eval().requires_grad_(False)


def _last_axis(step: Step, rank: int | None) -> Step:
    """Take a softmax over the last axis as torch's; of others it is not known that samples stay apart."""
    axis = step.part.settings["dim"]
    if rank is None or axis not in (-1, rank - 1):
        return replace(step, part=Part(IN_ONNXRUNTIME))
    kind = "LogSoftmax" if step.part.settings.get("logarithm") or step.part.kind == "LogSoftmax" else "Softmax"
    return replace(step, part=Part(kind, {"dim": -1}))
