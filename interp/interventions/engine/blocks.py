"""One block of rows: a network up to the edited layer, and its unperturbed outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.edits import Edit
from interp.interventions.engine.scores import Truth, classes, right_and_loss
from interp.interventions.engine.sites import HookedSite, Site
from interp.network.inputs import as_tensor, device_of
from interp.types import LoadedModel, Split


@dataclass(frozen=True)
class Block:
    """A site at some rows, and the unperturbed run.

    Attributes
    ----------
    truth
        What the rows are compared with.
    classes
        Outputs of the network.
    right
        (1, B) which rows are right.
    loss
        (1,) summed over rows.
    unknown
        Rows whose output is not a number.
    """

    site: Site | HookedSite
    truth: Truth
    classes: int
    right: Tensor
    loss: Tensor
    unknown: int


def open_block(
    model: LoadedModel, opened: Callable[[Tensor], Site | HookedSite], split: Split, rows: slice, losses: bool
) -> Block:
    """Run a network up to a layer, and to its end, on some rows of a split.

    Without labels the unperturbed predictions take their place, and there are no losses.
    """
    x = as_tensor(split.inputs[rows], model.scaling, model.input_shape).to(device_of(model.module))
    site = opened(x)
    outputs = site.run(Edit())
    guess = classes(outputs, model.output)
    labels = guess if split.labels is None else torch.from_numpy(split.labels[rows]).to(guess.device)
    truth = Truth(labels.clamp_min(0), model.output, losses and split.labels is not None)
    return Block(site, truth, outputs.shape[1], *right_and_loss([outputs], truth), int((guess < 0).sum()))
