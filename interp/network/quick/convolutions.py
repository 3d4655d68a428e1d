"""Convolutions of maps that are smaller than the kernel, as dense products.

There the convolution mostly multiplies padding, which the product of the whole map leaves out. Its sums are those of
the convolution but for their order, since each output reads the whole map: of one that does not, the product would
multiply what is not read by 0, so that infinite values spread. Only runs without gradients are changed.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import handle_torch_function, has_torch_function_unary


class QuickConv2d(nn.Conv2d):
    """A `torch.nn.Conv2d` that runs as a dense product on maps of half as many positions as its kernel, or fewer.

    Attributes
    ----------
    dense
        Weights of that product for each size of a map, made as they are needed.
    """

    dense: DenseWeights

    def forward(self, input: Tensor) -> Tensor:
        """Run the convolution on inputs (B, C, H, W)."""
        if not self._is_small(input):
            return super().forward(input)
        return conv2d(input, self.weight, self.bias, self)

    def multiplied(self, input: Tensor) -> Tensor:
        """Run the convolution as a product, which nobody follows by the calls inside."""
        dense = self.dense.of(self, input.shape[2], input.shape[3])
        return dense.product(input.flatten(1)).view(-1, *dense.shape)

    def _is_small(self, input: Tensor) -> bool:
        is_known = input.device.type == "cpu" and input.dtype is torch.float32 and not torch.is_grad_enabled()
        if input.dim() != 4 or not is_known:
            return False
        is_usual = self.groups == 1 and self.padding_mode == "zeros" and not isinstance(self.padding, str)
        positions, reach = input.shape[2] * input.shape[3], self.kernel_size[0] * self.kernel_size[1]
        return is_usual and 2 * positions <= reach and _reads_all(self, input.shape[2], input.shape[3])


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None, part: QuickConv2d) -> Tensor:
    """Run a convolution as one call of torch's name, which modes that follow values through the network recognise.

    Parameters
    ----------
    input
        Maps (B, C, H, W).
    weight, bias
        Parameters of the convolution, by which the call is recognised.
    part
        Convolution to run.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(conv2d, (input,), input, weight, bias, part)
    return part.multiplied(input)


class Dense(NamedTuple):
    """A convolution of maps of one size as a dense product.

    Attributes
    ----------
    weight
        Weights (N H' W', C H W).
    bias
        Biases (N H' W'); None where the convolution has none.
    shape
        Shape of one sample's outputs, (N, H', W').
    """

    weight: Tensor
    bias: Tensor | None
    shape: tuple[int, int, int]

    def product(self, rows: Tensor) -> Tensor:
        """Multiply maps that lie in rows (B, C H W) by the weights, (B, N H' W').

        It is oneDNN's product, as of the convolution; MKL's, which dense layers run, takes twice as long on some
        processors.
        """
        if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            return functional.linear(rows, self.weight, self.bias)
        found: Tensor = torch._C._nn.mkldnn_linear(rows.to_mkldnn(), self.weight, self.bias)
        return found.to_dense()


class DenseWeights:
    """Dense products of one convolution, by the size of the map; copies of a network share them.

    They are made anew once the weights have changed, or are others.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Made, Dense]] = {}

    def __deepcopy__(self, memo: object) -> DenseWeights:
        return self

    def of(self, part: nn.Conv2d, height: int, width: int) -> Dense:
        """Give the product for maps of a height and width."""
        made, known = _made_from(part), self._known.get((height, width))
        if known is None or known[0].state != made.state:
            known = self._known[height, width] = made, as_dense(part, height, width)
        return known[1]


class Made(NamedTuple):
    """What a dense product is made from.

    Attributes
    ----------
    weights
        Weights and biases, which are held so that no others come to lie where they do.
    state
        Place in memory of each of these tensors, with the number of its changes in place.
    """

    weights: tuple[Tensor, ...]
    state: tuple[tuple[int, int], ...]


def _made_from(part: nn.Conv2d) -> Made:
    weights = (part.weight,) if part.bias is None else (part.weight, part.bias)
    state = tuple((one.data_ptr(), 0 if one.is_inference() else one._version) for one in weights)
    return Made(tuple(one.detach() for one in weights), state)


@torch.no_grad()
def as_dense(part: nn.Conv2d, height: int, width: int) -> Dense:
    """Write a convolution of maps of one size as a dense product.

    Parameters
    ----------
    part
        Convolution in one group, padded with zeros.
    height, width
        Size of the map.

    Examples
    --------
    >>> as_dense(nn.Conv2d(3, 4, 3, padding=1, bias=False), 1, 2).weight.shape
    torch.Size([8, 6])
    """
    shape = (part.out_channels, *_size(part, height, width))
    weight = part.weight.new_zeros(*shape, part.in_channels, height, width)
    across = _reads(part, 1, width)
    for (row, above), (column, beside) in product(enumerate(_reads(part, 0, height)), enumerate(across)):
        for (y, i), (x, j) in product(above, beside):
            weight[:, row, column, :, y, x] = part.weight[:, :, i, j]
    bias = None if part.bias is None else part.bias.repeat_interleave(shape[1] * shape[2])
    return Dense(weight.flatten(3).flatten(0, 2), bias, shape)


def _size(part: nn.Conv2d, height: int, width: int) -> tuple[int, int]:
    """Give the height and width of a convolution's outputs."""
    return _places(part, 0, height), _places(part, 1, width)


def _reads_all(part: nn.Conv2d, height: int, width: int) -> bool:
    """Whether there are outputs, each of which reads all of a map of a height and width."""
    if min(_size(part, height, width)) <= 0:
        return False
    return all(len(read) == size for axis, size in enumerate((height, width)) for read in _reads(part, axis, size))


def _places(part: nn.Conv2d, axis: int, size: int) -> int:
    reach = part.dilation[axis] * (part.kernel_size[axis] - 1) + 1
    return (size + 2 * int(part.padding[axis]) - reach) // part.stride[axis] + 1


def _reads(part: nn.Conv2d, axis: int, size: int) -> list[list[tuple[int, int]]]:
    """List the inputs that each place along an axis reads, each with its index in the kernel."""
    starts = [place * part.stride[axis] - int(part.padding[axis]) for place in range(_places(part, axis, size))]
    offsets = [(index * part.dilation[axis], index) for index in range(part.kernel_size[axis])]
    return [[(start + at, index) for at, index in offsets if 0 <= start + at < size] for start in starts]
