"""One block of a transformer: attention, a dense pair, two norms, in either order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        Dense pair behind the attention; None for an attention alone.
    norms
        Norms of the attention and of the dense pair; of an attention alone one at most.
    """

    name: str
    attention: tuple[str, Mapping[str, Tensor]]
    projections: tuple[Layer, ...]
    first: Layer | None
    second: Layer | None
    norms: tuple[Norm, ...]

    @property
    def width(self) -> int:
        """Number of values of a position."""
        _, tensors = self.attention
        return tensors[FUSED].shape[1] if tensors else len(self.projections[-1].weight)

    def full(self, name: str) -> str:
        """Give the name within the whole network of one of the block's parts.

        Parameters
        ----------
        name
            Dotted name within the block.
        """
        return f"{self.name}.{name}" if self.name else name


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
        assert parts.first is not None
        assert parts.second is not None
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
        attention = self.get_submodule(str(self._names["attention"])) if self._names["attention"] else None
        projections = [self.get_submodule(name) for name in self._names["projections"]]
        return attended(x, padding, attention, projections, self._heads)


def attended(
    x: Tensor, padding: Tensor | None, attention: nn.Module | None, projections: Sequence[nn.Module], heads: int
) -> Tensor:
    """Give what attention makes (B, T, E) of (B, T, E).

    Parameters
    ----------
    x
        Values at each step.
    padding
        True at steps that are none (B, T); None where all are.
    attention
        Torch's attention; None where it is made of dense layers.
    projections
        These layers, in the order of `BlockParts.projections`.
    heads
        Number of heads.
    """
    if attention is not None:
        found: Tensor = attention(x, x, x, key_padding_mask=padding, need_weights=False)[0]
        return found
    *inward, outward = projections
    three = inward[0](x).chunk(3, -1) if len(inward) == 1 else [one(x) for one in inward]
    query, key, value = (one.reshape(*one.shape[:2], heads, -1).transpose(1, 2) for one in three)
    mask = None if padding is None else ~padding[:, None, None]
    mixed = F.scaled_dot_product_attention(query, key, value, mask)
    given: Tensor = outward(mixed.transpose(1, 2).flatten(2))
    return given


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
