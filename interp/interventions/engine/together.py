"""Edits of several layers at once: the network runs once for each combination, under hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from interp.errors import DataError
from interp.interventions.edits import Edit, on_values
from interp.interventions.engine.counting import Tally, check_numbers
from interp.interventions.engine.scores import CELLS, Truth, classes, right_and_loss
from interp.network.chain import chain_steps, run, split_at
from interp.network.hooks import edit
from interp.network.inputs import shown_blocks
from interp.types import Array, LoadedModel, NodeLayer, Split

Edits = Mapping[str, Edit]
"""Layer name -> what is done to it."""


@dataclass(frozen=True)
class JointSite:
    """A network at one block of inputs, run as far as none of the layers has a say.

    Attributes
    ----------
    layers
        That edits may name.
    values
        What the first of `rest` reads.
    rest
        Steps from the first of the layers on.
    """

    module: nn.Module
    layers: Mapping[str, NodeLayer]
    values: Tensor
    rest: Sequence[nn.Module]

    def run(self, edits: Edits) -> Tensor:
        """Give the network's outputs under all of some edits, (B, C)."""
        with ExitStack() as stack:
            for name, change in edits.items():
                layer = self.layers[name]
                stack.enter_context(edit(self.module, layer, *on_values(change, layer)))
            return run(self.rest, self.values)


@torch.no_grad()
def tally_together(model: LoadedModel, edits: Sequence[Edits], split: Split, note: str = "") -> Tally:
    """Run every combination of edits over a split and count what changes.

    Parameters
    ----------
    edits
        Each maps layer names to what is done to them at the same time, in any order.

    Raises
    ------
    UsageError
        If a layer does not exist.
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """
    layers = {name: model.layer(name) for name in dict.fromkeys(name for one in edits for name in one)}
    if not len(split):
        raise DataError(", ".join(layers), found="no samples", expected="one or more", do="check the data")
    opened, unknown, counts = open_together(model, layers), 0, np.zeros((3, len(edits) + 1))
    for rows, x in shown_blocks(model, split.inputs, note):
        site = opened(x)
        outputs = site.run({})
        truth, missing = _truth(model, outputs, None if split.labels is None else split.labels[rows])
        right, loss = _judge(site, [{}, *edits], truth, max(1, CELLS // outputs.numel()))
        unknown += missing
        counts += np.stack([right.sum(1).cpu().numpy(), (right & ~right[:1]).sum(1).cpu().numpy(), loss.numpy()])
    check_numbers(", ".join(layers), unknown, len(split))
    return _tally(counts, len(split))


def open_together(model: LoadedModel, layers: Mapping[str, NodeLayer]) -> Callable[[Tensor], JointSite]:
    """Give inputs -> site; in a chain, what comes before the first of the layers runs once."""
    steps = chain_steps(model.module)
    split = [split_at(model.module, layer.tap) for layer in layers.values()]
    if steps is None or not layers or any(parts is None for parts in split):
        return lambda x: JointSite(model.module, layers, x, [model.module])
    first = min(len(parts[0]) for parts in split if parts is not None) - 1
    return lambda x: JointSite(model.module, layers, run(steps[:first], x), steps[first:])


def _truth(model: LoadedModel, outputs: Tensor, labels: Array | None) -> tuple[Truth, int]:
    """Give what rows are compared with, and how many have outputs that are not numbers."""
    guess = classes(outputs, model.output)
    known = guess if labels is None else torch.from_numpy(labels).to(guess.device)
    return Truth(known.clamp_min(0), model.output, labels is not None), int((guess < 0).sum())


def _judge(site: JointSite, edits: Sequence[Edits], truth: Truth, size: int) -> tuple[Tensor, Tensor]:
    """Judge all edits, `size` at once: which rows are right (E, B), summed losses (E,)."""
    parts = [
        right_and_loss([site.run(one) for one in edits[start : start + size]], truth)
        for start in range(0, len(edits), size)
    ]
    right, loss = (torch.cat(each) for each in zip(*parts, strict=True))
    return right, loss


def _tally(counts: Array, samples: int) -> Tally:
    hits, gained = counts[:2].astype(np.int64)
    baseline, loss, none = int(hits[0]), counts[2] / samples, np.empty(0, np.int64)
    lost, apart = gained + baseline - hits, none.reshape(len(hits) - 1, 0)
    return Tally(samples, baseline, hits[1:], gained[1:], lost[1:], loss[1:], float(loss[0]), none, apart)
