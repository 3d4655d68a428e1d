"""Nodes of a program that become torch modules: layers, and norms and activations that follow them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.deployed.packages import packages
from interp.checkpoints.deployed.program import Program
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


def planned(program: Program, ranks: Mapping[str, int]) -> dict[str, Planned]:
    """Give the modules of a program by the value that each makes.

    Parameters
    ----------
    program
        Program with its constants computed.
    ranks
        Number of axes of a value by its name, where it is known.
    """
    stored = _stored(program)
    steps = [_step(node, stored, program) for node in program.nodes]
    whole = _quantised(_with_biases(with_activations(steps), program), program, stored)
    made: dict[str, Planned] = {}
    for step in whole:
        if step.part.kind in (IN_ONNXRUNTIME, "Arithmetic") or (_follows(step) and step.inputs[0] not in made):
            continue
        if step.part.kind in ("Softmax", "LogSoftmax", "CoercedSoftmax"):
            step = _last_axis(step, ranks.get(step.inputs[0]))
        module = None if step.part.kind == IN_ONNXRUNTIME else _module(step.part)
        if module is not None:
            made[step.output] = Planned(step.inputs, (step.output,), None, step.name, module)
    return made


def _follows(step: Step) -> bool:
    return not _is_layer(step.part)


def _stored(program: Program) -> dict[str, Stored]:
    found = packages()
    assert found is not None
    kept = {}
    for name, tensor in program.constants.items():
        values = found.onnx.numpy_helper.to_array(tensor)
        if values.dtype.kind in "fiub":
            kind = np.float32 if values.dtype.kind == "f" else np.int64
            kept[name] = Stored(name, torch.from_numpy(np.array(values, kind)))
    return kept


def _step(node: Any, stored: Mapping[str, Stored], program: Program) -> Step:
    """Read a node as the reader of files does; what that does not list stays a node."""
    output = node.output[0]
    computed = tuple(name for name in node.input if name and name not in program.constants)
    left = Step(output, Part(IN_ONNXRUNTIME), computed or (output,), output)
    is_softmax = node.op_type in ("Softmax", "LogSoftmax")
    if node.domain not in ("", "ai.onnx") or any(node.output[1:]) or len(computed) == 0:
        return left
    if node.op_type not in (*LAYERS, *FOLLOWING, *ARITHMETIC) and not is_softmax:
        return left
    inputs = tuple(
        None if not name else Ref(name) if name not in program.constants else stored.get(name, UNKNOWN)
        for name in node.input
    )
    try:
        read = Node(node.op_type, node.name, inputs, output, _attributes(node), program.version)
        made = read_node(read) if node.op_type != "ConvTranspose" else _transposed(read)
        usable = isinstance(made, Step) and (made.part.kind in ELEMENTWISE or len(made.inputs) == 1)
        return made if usable and _keeps_rows(made.part) else left
    except (UnknownOperation, AssertionError, KeyError, IndexError, TypeError, ValueError):
        return left


def _keeps_rows(part: Part) -> bool:
    """Refuse pooling whose last windows hang over, which torch and ONNX cut differently."""
    return not part.settings.get("ceil_mode")


def _attributes(node: Any) -> dict[str, Any]:
    found = packages()
    assert found is not None
    values = {one.name: found.onnx.helper.get_attribute_value(one) for one in node.attribute}
    return {
        name: list(value) if not isinstance(value, (int, float, bytes, str)) else value
        for name, value in values.items()
    }


# --------------------------------------------------------------------------- transposed convolutions

TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")


def _transposed(node: Node) -> Step:
    weight, bias, said = node.stored(1), node.stored(2), node.attributes
    space = 0 if weight is None else weight.dim() - 2
    pads = said.get("pads", [0] * 2 * space)
    odd = said.get("auto_pad", b"NOTSET") != b"NOTSET" or said.get("output_shape") or pads[:space] != pads[space:]
    if weight is None or space not in (1, 2, 3) or odd:
        raise UnknownOperation("a transposed convolution of a size of its own")
    groups = int(said.get("group", 1))
    settings = {
        "in_channels": weight.shape[0],
        "out_channels": weight.shape[1] * groups,
        "kernel_size": tuple(weight.shape[2:]),
        "stride": tuple(said.get("strides", [1] * space)),
        "padding": tuple(pads[:space]),
        "dilation": tuple(said.get("dilations", [1] * space)),
        "output_padding": tuple(said.get("output_padding", [0] * space)),
        "groups": groups,
        "bias": bias is not None,
    }
    tensors = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    like = read_node(
        node._replace(kind="MatMul", inputs=(node.inputs[0], Stored(node.inputs[1].name, weight.flatten(1))))
    )
    return Step(like.name, Part(TRANSPOSED[space - 1], settings, tensors), (node.inputs[0].name,), node.output)


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
    if part.kind in TRANSPOSED:
        layer: nn.Module = getattr(nn, part.kind)(**part.settings)
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


# --------------------------------------------------------------------------- biases


def _with_biases(steps: Sequence[Step], program: Program) -> list[Step]:
    """Make one layer of a product and the constant that is added to it, so that z is what follows both."""
    readers = Counter(name for node in program.nodes for name in node.input)
    readers.update(program.outputs)
    merged: dict[str, Step] = {}
    for step in steps:
        product, constant = merged.get(step.inputs[0]), step.part.tensors.get("constant")
        is_sum = step.part.settings.get("name") == "add" and readers[step.inputs[0]] == 1
        if is_sum and product is not None and constant is not None and _lacks_bias(product.part, constant):
            tensors = {**product.part.tensors, "bias": constant.flatten()}
            settings = {**product.part.settings, **({"bias": True} if "bias" in product.part.settings else {})}
            merged.pop(product.output)
            step = replace(product, part=replace(product.part, tensors=tensors, settings=settings), output=step.output)
        merged[step.output] = step
    return list(merged.values())


def _lacks_bias(part: Part, constant: Tensor) -> bool:
    """Whether a constant is one number for each node, on the axis of the nodes."""
    if not _is_layer(part) or "bias" in part.tensors:
        return False
    nodes = part.settings.get("out_channels", part.settings.get("out_features"))
    space = len(part.settings.get("kernel_size", ()))
    behind = constant.shape[constant.dim() - space :]
    own = constant.shape[: constant.dim() - space]
    return constant.numel() == nodes == own[-1:].numel() and set(behind) <= {1} and len(own) > 0


def _is_layer(part: Part) -> bool:
    return part.kind in ("Linear", "Conv1d", "Conv2d", "Conv3d", *TRANSPOSED)


# --------------------------------------------------------------------------- rounding to eight bits


class Quantised(nn.Module):
    """Values rounded to whole multiples of a scale, as quantised graphs write it: rounded, cut off, and back."""

    scale: Tensor
    zero: Tensor

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.low, self.high, self.axis = (part.settings[name] for name in ("low", "high", "axis"))
        self.register_buffer("scale", part.tensors["scale"].float())
        self.register_buffer("zero", part.tensors["zero"].float())

    def forward(self, values: Tensor) -> Tensor:
        """Round values; channels are on the axis told."""
        scale, zero = self._along(self.scale, values), self._along(self.zero, values)
        steps: Tensor = torch.clamp(torch.round(values / scale) + zero, self.low, self.high)
        return (steps - zero) * scale

    def _along(self, numbers: Tensor, values: Tensor) -> Tensor:
        if numbers.numel() == 1:
            return numbers.reshape(())
        shape = [1] * values.dim()
        shape[self.axis] = -1
        return numbers.reshape(shape)


RANGES = {2: (0, 255), 3: (-128, 127), 4: (0, 65535), 5: (-32768, 32767)}
"""TensorProto.DataType of quantised values -> their least and largest."""


def _quantised(steps: Sequence[Step], program: Program, stored: Mapping[str, Stored]) -> list[Step]:
    """Take a rounding and its way back for one function of each value."""
    makers = {node.output[0]: node for node in program.nodes}
    found = []
    for step in steps:
        back = makers.get(step.output)
        forth = makers.get(back.input[0]) if back is not None and back.op_type == "DequantizeLinear" else None
        is_pair = forth is not None and forth.op_type == "QuantizeLinear"
        part = _rounding(forth, back, program, stored) if is_pair else None
        found.append(step if forth is None or part is None else replace(step, part=part, inputs=(forth.input[0],)))
    return found


def _rounding(forth: Any, back: Any, program: Program, stored: Mapping[str, Stored]) -> Part | None:
    said = _attributes(forth)
    if list(forth.input[1:]) != list(back.input[1:]) or said.get("block_size") or said != _attributes(back):
        return None
    scale = stored.get(forth.input[1])
    zero = stored.get(forth.input[2]) if len(forth.input) > 2 else None
    kind = program.constants[forth.input[2]].data_type if zero is not None else said.get("output_dtype", 2)
    axis = said.get("axis", 1)
    if scale is None or kind not in RANGES or forth.input[0] in program.constants:
        return None
    if scale.tensor.numel() > 1 and axis == 0:
        return None
    low, high = RANGES[kind]
    zeros = torch.zeros_like(scale.tensor) if zero is None else zero.tensor
    return Part("Quantised", {"low": low, "high": high, "axis": axis}, {"scale": scale.tensor, "zero": zeros})
