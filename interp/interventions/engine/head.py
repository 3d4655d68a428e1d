"""An output layer that reads a layer directly: class scores are linear in the outputs that an edit changes.

Scores can then be had in cheaper ways than by running the output layer on changed outputs, but float32 sums
come about in another order. Rows whose best two scores lie within the rounding of either way are run again
the plain way, so that counts equal the plain loop's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from interp.interventions.engine.scores import Truth, classes
from interp.interventions.engine.sites import Place, Site
from interp.network.activations import Negate
from interp.network.chain import run

ROUNDING = 4 * 2.0**-24
"""Of a difference of two scores, each had in two ways, for each product summed: a float32 sum of n products
is off by at most n 2^-24 |w| |a| (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1)."""


ROOM = 800_000
"""Scores to work on at a time: more would leave the processor's cache, fewer make operations too short."""


@dataclass(frozen=True)
class Head:
    """The output layer of a network, read off the steps that follow a layer.

    Attributes
    ----------
    weight, bias
        (C, N), (C,), with the sign of what follows it.
    """

    place: Place
    weight: Tensor
    bias: Tensor

    @cached_property
    def rounding(self) -> tuple[float, float]:
        """How far a difference of two scores may be off: for each unit of the outputs' Euclidean length, and more."""
        longest = torch.linalg.vector_norm(self.weight, dim=1).amax()
        share = ROUNDING * (self.weight.shape[1] + 8)
        return share * float(longest), share * float(self.bias.abs().amax())


def find_head(place: Place) -> Head | None:
    """Give the head of a network cut at a layer that a linear map reads; None if that is not the output layer."""
    linear, *signs = place.rest
    assert isinstance(linear, nn.Linear)
    if not all(isinstance(step, Negate) for step in signs):
        return None
    sign = (-1.0) ** len(signs)
    bias = linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
    return Head(place, sign * linear.weight.detach(), sign * bias.detach())


@dataclass(frozen=True)
class Rows:
    """One block of rows at a layer that a head reads.

    Attributes
    ----------
    outputs
        (B, N) activation outputs.
    """

    head: Head
    site: Site
    truth: Truth
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
        """Scores without bias, (C, B)."""
        return self.head.weight @ self.outputs.T

    @cached_property
    def label(self) -> Tensor:
        """1 at each row's label, else 0, (C, B)."""
        return torch.zeros_like(self.products).scatter_(0, self.truth.labels[None], 1)

    @cached_property
    def mask(self) -> Tensor:
        """Minus infinity at each row's label, else 0, (C, B)."""
        return torch.zeros_like(self.products).scatter_(0, self.truth.labels[None], -torch.inf)

    @cached_property
    def plain_scores(self) -> Tensor:
        """Scores of the unperturbed network, (C, B)."""
        return self.products + self.head.bias[:, None]

    @cached_property
    def true(self) -> Tensor:
        """Score of each row's label, (B,)."""
        return self.plain_scores.gather(0, self.truth.labels[None])[0]

    @cached_property
    def others(self) -> Tensor:
        """Scores with -inf for the label, (C, B)."""
        return self.plain_scores + self.mask

    @cached_property
    def margin(self) -> Tensor:
        """Score of the label above the best other one, (B,)."""
        return self.true - self.others.amax(0)

    @cached_property
    def length(self) -> Tensor:
        """Euclidean length of each row's outputs, or of its z where that is longer, (B,)."""
        return torch.maximum(*(torch.linalg.vector_norm(each, dim=1) for each in (self.outputs, self.site.z)))

    @cached_property
    def rounding(self) -> Tensor:
        """How far a difference of two of a row's scores may be off, (B,); further for each unit that outputs change."""
        each, more = self.head.rounding
        return each * self.length + more

    def guess(self, outputs: Tensor) -> Tensor:
        """Give the predicted classes of changed outputs (P, N) the plain way, (P,)."""
        return classes(run(self.head.place.rest, outputs), self.truth.form)

    @cached_property
    def scores(self) -> Tensor:
        """Room for the scores of as many edits as stay in the processor's cache, (E, C, B)."""
        return self.products.new_empty(max(1, ROOM // self.products.numel()), *self.products.shape)

    def stacks(self, count: int) -> Iterator[tuple[slice, Tensor]]:
        """Cut `count` edits into stacks, each with room for its scores."""
        size = len(self.scores)
        for start in range(0, count, size):
            yield slice(start, start + size), self.scores[: count - start]


def open_rows(head: Head, site: Site, truth: Truth) -> Rows:
    """Give one block of rows at a head."""
    return Rows(head, site, truth, run(head.place.active, site.z.clone()))
