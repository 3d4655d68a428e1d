"""Transposed convolutions of a program."""

from __future__ import annotations

from interp.checkpoints.formats.onnx.nodes import Node
from interp.checkpoints.formats.onnx.operations import read_node
from interp.checkpoints.graph.steps import Part, Step, UnknownOperation
from interp.checkpoints.graph.values import Stored

TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
"""Names of torch's classes, by their number of axes of positions."""


def transposed(node: Node) -> Step:
    """Read a transposed convolution whose padding is the same at both ends.

    Parameters
    ----------
    node
        Node of kind ``ConvTranspose``.

    Raises
    ------
    UnknownOperation
        If its outputs have a size of their own.
    """
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
