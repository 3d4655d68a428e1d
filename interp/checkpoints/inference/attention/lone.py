"""Attention without a dense pair behind it: one of its own, or with one norm, before whatever dense layers follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn

from interp.checkpoints.inference.attention.blocks import BlockParts, attended, dense, multihead
from interp.checkpoints.inference.rebuild import own_norm
from interp.checkpoints.inference.stack.layers import Norm
from interp.network.chain import hold

WITH_NORM = ("behind (post-norm)", "before (pre-norm)", "behind, without a sum")
"""What may be done with one norm: behind the sum with what came in, before the attention, or behind it alone."""

WITHOUT_NORM = ("none", "none, without a sum")
"""What may be done without a norm: attention is added to what came in, or stands alone."""


def places(block: BlockParts) -> tuple[str, ...]:
    """List what may be done around one attention alone.

    Parameters
    ----------
    block
        Tensors of the attention and of its norm, if there is one.
    """
    return WITH_NORM if block.norms else WITHOUT_NORM


class Lone:
    """Attention whose parts lie in a network under the names that its file uses; it is none of its modules itself.

    Parameters
    ----------
    network
        Network that the parts are put into.
    parts
        Tensors of the attention, and of at most one norm.
    heads
        Number of heads.
    place
        Place of the norm and of the sum, one of `places`.
    """

    def __init__(self, network: nn.Module, parts: BlockParts, heads: int, place: str) -> None:
        own, tensors = parts.attention
        named: dict[str, nn.Module] = {parts.full(one.name): dense(one) for one in parts.projections}
        self._projections = tuple(named)
        self._attention = parts.full(own) if tensors else ""
        self._norms = tuple(parts.full(one.name) for one in parts.norms)
        named |= {self._attention: multihead(tensors, heads)} if tensors else {}
        named |= {name: own_norm(one) for name, one in zip(self._norms, parts.norms, strict=True)}
        for name, part in named.items():
            hold(network, name, part)
        self._heads, self._place = heads, place

    def run(self, network: nn.Module, x: Tensor, padding: Tensor | None) -> Tensor:
        """Give (B, T, E) of (B, T, E); `padding` (B, T) is true at steps that are none.

        Parameters
        ----------
        network
            Network that holds the parts.
        x
            Values at each step.
        padding
            True at steps that are none; None where all are.
        """
        attention = network.get_submodule(self._attention) if self._attention else None
        projections = [network.get_submodule(name) for name in self._projections]
        norm = network.get_submodule(self._norms[0]) if self._norms else nn.Identity()
        is_before = self._place == WITH_NORM[1]
        mixed = attended(norm(x) if is_before else x, padding, attention, projections, self._heads)
        summed = mixed if self._place in (WITH_NORM[2], WITHOUT_NORM[1]) else x + mixed
        found: Tensor = summed if is_before else norm(summed)
        return found


def with_norm(made: BlockParts, rest: Mapping[str, Tensor], is_only: bool) -> BlockParts | None:
    """Give an attention alone with the norm beside it; None where more is beside it than that.

    Parameters
    ----------
    made
        Tensors of the attention.
    rest
        Other tensors under the same parent, by their names within it.
    is_only
        Whether a table and dense layers may lie beside it, as beside the only attention of a file.
    """
    norms = [
        Norm(name.removesuffix(".weight"), None, None, one, rest.get(f"{name.removesuffix('.weight')}.bias"))
        for name, one in rest.items()
        if name.endswith(".weight") and one.shape == (made.width,)
    ]
    beside = [name for name in rest if not any(name in (f"{norm.name}.weight", f"{norm.name}.bias") for norm in norms)]
    if len(norms) > 1 or (beside and not is_only):
        return None
    return replace(made, first=None, second=None, norms=tuple(norms))
