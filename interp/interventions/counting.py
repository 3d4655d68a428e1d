"""Runs every edit of one layer over a split and counts what changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from interp.errors import DataError
from interp.inputs import BLOCK
from interp.interventions.blocks import Block, open_block
from interp.interventions.edits import Edit
from interp.interventions.sites import open_site
from interp.interventions.ways import find_ways
from interp.types import Array, LoadedModel, NodeLayer, Split


@dataclass(frozen=True)
class Tally:
    """Counts over one split: for each edit (E,), and the unperturbed run.

    Attributes
    ----------
    hits
        Samples that are right.
    gained, lost
        Samples that are right only with the edit, only without it.
    loss
        Mean cross-entropy in nats; NaN without labels.
    class_samples
        (C,) samples of each class, or of each unperturbed prediction without labels; empty if not asked for.
    class_hits
        (E, C) of these, the right ones.
    """

    samples: int
    baseline: int
    hits: Array
    gained: Array
    lost: Array
    loss: Array
    baseline_loss: float
    class_samples: Array
    class_hits: Array


@torch.no_grad()
def tally(
    model: LoadedModel,
    layer: NodeLayer,
    edits: Sequence[Edit],
    split: Split,
    note: str = "",
    classes: int = 0,
    losses: bool = True,
) -> Tally:
    """Run every edit of one layer over a split and count what changes.

    Without labels the unperturbed predictions take their place, and losses are NaN.

    Parameters
    ----------
    classes
        How many classes to count apart, labels 0 to classes - 1; 0 counts all together.
    losses
        Whether losses are wanted beside counts; NaN if not.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """
    if not len(split):
        raise DataError(layer.name, found="no samples", expected="one or more", do="check the data")
    opened = open_site(model, layer)
    ways = find_ways(edits, opened, model.output)
    unperturbed, counts, loss = np.zeros(3 + classes), np.zeros((2 + classes, len(edits))), np.zeros(len(edits))
    # blocks in turn: threads of Python would wait for each other between operations of some ten microseconds
    for start in tqdm(range(0, len(split), BLOCK), desc=note or layer.name, unit="blocks", disable=None):
        block = open_block(model, opened, split, slice(start, start + BLOCK), losses)
        asked = _asked(block, classes)
        right = float(block.right.sum()), float(block.loss), block.unknown
        unperturbed += np.array([*right, *asked[2:].sum(1).tolist()])
        for some, judged, each in ways.judge(block):
            counts[:, some] += (asked @ judged.to(torch.float32).T).cpu().numpy()
            loss[some] += each.numpy()
    check_numbers(layer.name, int(unperturbed[2]), len(split))
    return _tally(unperturbed, counts.astype(np.int64), loss / len(split), len(split))


def _asked(block: Block, classes: int) -> Tensor:
    """Which rows are counted: all, those wrong without an edit, and each class's, (2 + C, B) zeros and ones.

    Products with it are exact, since a block has fewer rows than float32 can count.
    """
    member = block.truth.labels == torch.arange(classes, device=block.right.device)[:, None]
    return torch.cat([torch.ones_like(block.right), ~block.right, member]).to(torch.float32)


def _tally(unperturbed: Array, counts: Array, loss: Array, samples: int) -> Tally:
    baseline, (hits, gained) = int(unperturbed[0]), counts[:2]
    sizes = unperturbed[3:].astype(np.int64)
    return Tally(
        samples, baseline, hits, gained, gained + baseline - hits, loss, unperturbed[1] / samples, sizes, counts[2:].T
    )


def check_numbers(where: str, unknown: int, samples: int) -> None:
    """See that the unperturbed network's outputs are numbers on every sample."""
    if unknown:
        raise DataError(
            where,
            found=f"{unknown:,} of {samples:,} samples whose output is not a number",
            expected="finite outputs of the unperturbed network",
            do="check the weights, the scaling and these samples",
        )
