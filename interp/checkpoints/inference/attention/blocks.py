"""One block of a transformer: attention, a dense pair, two norms, in either order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interp.checkpoints.inference.rebuild import own_norm
from interp.checkpoints.inference.stack.layers import Layer, Norm
from interp.network.activations import Activation
from interp.network.chain import hold

FUSED = "in_proj_weight"
"""Name of the three projections' weights in torch's `nn.MultiheadAttention`."""


@dataclass(frozen=True)
class BlockParts:
    """Tensors of one block.

    Attributes
    ----------
    name
        Dotted name that the block's tensors begin with; may be empty.
    attention
        Dotted name of the attention within the block -> with torch's names, its tensors; empty where it is made of
        dense layers.
    projections
        Dense layers of the attention: one of the three projections side by side, or one each of queries, keys and
        values; then that of the outputs. Empty where torch's names are used.
    first, second
        Dense pair behind the attention.
    norms
        Norms of the attention and of the dense pair.
    """

    name: str
    attention: tuple[str, Mapping[str, Tensor]]
    projections: tuple[Layer, ...]
    first: Layer
    second: Layer
    norms: tuple[Norm, Norm]

    @property
    def width(self) -> int:
        """Number of values of a position."""
        return len(self.second.weight)


class Block(nn.Module):
    """A block of a transformer's encoder, whose parts have the names that their file uses.

    Parameters
    ----------
    parts
        Tensors of the block.
    heads
        Number of heads of its attention.
    norm_first
        Whether norms are before the attention and the dense pair (pre-norm) rather than behind the sums (post-norm).
    activation
        Activation between the dense pair.
    """

    def __init__(self, parts: BlockParts, heads: int, norm_first: bool, activation: str) -> None:
        super().__init__()
        name, tensors = parts.attention
        attention = multihead(tensors, heads) if tensors else None
        named: dict[str, nn.Module] = {one.name: dense(one) for one in (*parts.projections, parts.first, parts.second)}
        named |= {one.name: own_norm(one) for one in parts.norms}
        if attention is not None:
            named[name] = attention
        for own, part in named.items():
            hold(self, own, part)
        self._active = Activation(activation)
        self._names = {
            "attention": name,
            "projections": tuple(one.name for one in parts.projections),
            "pair": (parts.first.name, parts.second.name),
            "norms": tuple(one.name for one in parts.norms),
        }
        self._heads, self._norm_first = heads, norm_first

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Give (B, T, E) of (B, T, E); `padding` (B, T) is true at steps that are none."""
        before, behind = (self._part(name) for name in self._names["norms"])
        if self._norm_first:
            x = x + self._attend(before(x), padding)
            return x + self._dense(behind(x))
        x = before(x + self._attend(x, padding))
        found: Tensor = behind(x + self._dense(x))
        return found

    def _part(self, name: str) -> Callable[..., Tensor]:
        return self.get_submodule(name)

    def _dense(self, x: Tensor) -> Tensor:
        first, second = (self._part(name) for name in self._names["pair"])
        return second(self._active(first(x)))

    def _attend(self, x: Tensor, padding: Tensor | None) -> Tensor:
        if self._names["attention"]:
            attention = self.get_submodule(str(self._names["attention"]))
            found: Tensor = attention(x, x, x, key_padding_mask=padding, need_weights=False)[0]
            return found
        *inward, outward = (self._part(name) for name in self._names["projections"])
        three = inward[0](x).chunk(3, -1) if len(inward) == 1 else [one(x) for one in inward]
        query, key, value = (one.reshape(*one.shape[:2], self._heads, -1).transpose(1, 2) for one in three)
        mask = None if padding is None else ~padding[:, None, None]
        mixed = F.scaled_dot_product_attention(query, key, value, mask)
        return outward(mixed.transpose(1, 2).flatten(2))


def dense(layer: Layer) -> nn.Linear:
    """Build a dense layer."""
    outputs, inputs = layer.weight.shape
    part = nn.Linear(inputs, outputs, bias=layer.bias is not None)
    part.load_state_dict({"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias}))
    return part.eval()


def multihead(tensors: Mapping[str, Tensor], heads: int) -> nn.MultiheadAttention:
    """Build torch's attention from its tensors.

    Parameters
    ----------
    tensors
        Tensors under torch's names.
    heads
        Number of heads.

    Raises
    ------
    RuntimeError
        If these are not the tensors of torch's attention of one width.
    """
    part = nn.MultiheadAttention(tensors[FUSED].shape[1], heads, bias="in_proj_bias" in tensors, batch_first=True)
    part.load_state_dict(dict(tensors))
    return part.eval()


def sinusoids(steps: int, width: int) -> Tensor:
    """Give the positions (T, E) of Vaswani et al. (2017), section 3.5: sines and cosines in turn.

    Examples
    --------
    >>> sinusoids(2, 2)
    tensor([[0.0000, 1.0000],
            [0.8415, 0.5403]])
    """
    at = torch.arange(steps)[:, None]
    rates = torch.exp(torch.arange(0, width, 2) * (-torch.log(torch.tensor(10000.0)) / width))
    found = torch.zeros(steps, width)
    found[:, 0::2] = torch.sin(at * rates)
    found[:, 1::2] = torch.cos(at * rates)[:, : width // 2]
    return found
