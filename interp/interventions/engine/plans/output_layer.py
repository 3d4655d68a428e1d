"""An output layer that reads the site directly: logits are linear in the outputs that an edit changes.

Logits then cost less than running the output layer on changed outputs, but float32 sums come about in another
order. Rows whose best two logits lie within the rounding of either order are run again by a full pass, so that
counts equal a plain loop's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from interp.interventions.engine.answers import ClassAnswers
from interp.interventions.engine.sites import ChainSite, ChainState
from interp.network.activations import Negate
from interp.network.chain import run
from interp.tasks import predict

ROUNDING = 4 * 2.0**-24
"""Of a difference of two logits, each computed in two orders, for each product summed: a float32 sum of n products
is off by at most n 2^-24 |w| |a| (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1)."""

ROOM = 800_000
"""Logits to work on at a time: more would leave the processor's cache, fewer make operations too short."""


@dataclass(frozen=True)
class OutputLayer:
    """The output layer of a network, read off the steps that follow a site.

    Attributes
    ----------
    site
        Layer whose outputs it reads.
    weight, bias
        Weights (C, N) and biases (C,), with the sign of the negation that may follow.
    """

    site: ChainSite
    weight: Tensor
    bias: Tensor

    @cached_property
    def rounding(self) -> tuple[float, float]:
        """How far a difference of two logits may be off: per unit of the outputs' Euclidean length, and in addition."""
        longest = torch.linalg.vector_norm(self.weight, dim=1).amax()
        share = ROUNDING * (self.weight.shape[1] + 8)
        return share * float(longest), share * float(self.bias.abs().amax())


def find_output_layer(site: ChainSite) -> OutputLayer | None:
    """Give the output layer of a network cut at a layer that a linear map reads; None if that map is another layer."""
    linear, *signs = site.following
    assert isinstance(linear, nn.Linear)
    if not all(isinstance(step, Negate) for step in signs):
        return None
    sign = (-1.0) ** len(signs)
    bias = linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
    return OutputLayer(site, sign * linear.weight.detach(), sign * bias.detach())


@dataclass(frozen=True)
class BlockLogits:
    """Logits of one block of rows, of a site that the output layer reads.

    Attributes
    ----------
    reader
        Output layer of the network.
    state
        Network run up to the site.
    answers
        Labels of the rows.
    outputs
        Activation outputs of the site, (B, N).
    """

    reader: OutputLayer
    state: ChainState
    answers: ClassAnswers
    outputs: Tensor

    @cached_property
    def by_node(self) -> Tensor:
        """Outputs in the order in which single nodes are read, (N, B)."""
        return self.outputs.T.contiguous()

    @cached_property
    def buffer(self) -> Tensor:
        """Room for changed values, (B, N)."""
        return torch.empty_like(self.outputs)

    @cached_property
    def products(self) -> Tensor:
        """Logits without bias, (C, B)."""
        return self.reader.weight @ self.outputs.T

    @cached_property
    def label(self) -> Tensor:
        """1 at each row's label, else 0, (C, B)."""
        return torch.zeros_like(self.products).scatter_(0, self.answers.labels[None], 1)

    @cached_property
    def mask(self) -> Tensor:
        """Minus infinity at each row's label, else 0, (C, B)."""
        return torch.zeros_like(self.products).scatter_(0, self.answers.labels[None], -torch.inf)

    @cached_property
    def unperturbed(self) -> Tensor:
        """Logits of the unperturbed network, (C, B)."""
        return self.products + self.reader.bias[:, None]

    @cached_property
    def true(self) -> Tensor:
        """Logit of each row's label, (B,)."""
        return self.unperturbed.gather(0, self.answers.labels[None])[0]

    @cached_property
    def others(self) -> Tensor:
        """Logits with -inf for the label, (C, B)."""
        return self.unperturbed + self.mask

    @cached_property
    def margin(self) -> Tensor:
        """Logit of the label above the best other one, (B,)."""
        return self.true - self.others.amax(0)

    @cached_property
    def length(self) -> Tensor:
        """Euclidean length of each row's outputs, or of its z where that is longer, (B,)."""
        return torch.maximum(*(torch.linalg.vector_norm(each, dim=1) for each in (self.outputs, self.state.z)))

    @cached_property
    def rounding(self) -> Tensor:
        """How far a difference of two of a row's logits may be off, (B,); more where an edit changes outputs."""
        each, more = self.reader.rounding
        return each * self.length + more

    def guess(self, outputs: Tensor) -> Tensor:
        """Give the classes that a full pass predicts of changed outputs (P, N), (P,)."""
        return predict(run(self.reader.site.following, outputs), self.answers.form)

    @cached_property
    def room(self) -> Tensor:
        """Room for the logits of as many edits as stay in the processor's cache, (E, C, B)."""
        return self.products.new_empty(max(1, ROOM // self.products.numel()), *self.products.shape)

    def stacks(self, count: int) -> Iterator[tuple[slice, Tensor]]:
        """Cut `count` edits into stacks, each with room for its logits."""
        size = len(self.room)
        for start in range(0, count, size):
            yield slice(start, start + size), self.room[: count - start]


def block_logits(reader: OutputLayer, state: ChainState, answers: ClassAnswers) -> BlockLogits:
    """Read a block of rows with the output layer."""
    return BlockLogits(reader, state, answers, run(reader.site.active, state.z.clone()))
