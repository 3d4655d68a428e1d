"""Runs every edit of one layer over a split and counts what changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from interp.errors import DataError
from interp.inputs import BLOCK, as_tensor, device_of
from interp.interventions.edits import Edit
from interp.interventions.rank_one import rank_one
from interp.interventions.scores import CELLS, Truth, classes, right_and_loss
from interp.interventions.sites import HookedSite, Site, acts_on_each_node_alone, open_site
from interp.scoring import PROBABILITIES
from interp.types import Array, LoadedModel, NodeLayer, Split

TOGETHER = 512
"""Single-node edits whose values are held at once: 2 MB a block."""


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


@dataclass(frozen=True)
class Block:
    """A site at some rows, and the unperturbed run.

    Attributes
    ----------
    truth
        What the rows are compared with.
    outputs
        (B, C).
    right
        (B,) which rows are right.
    loss
        Summed over rows.
    unknown
        Rows whose output is not a number.
    """

    site: Site | HookedSite
    truth: Truth
    outputs: Tensor
    right: Tensor
    loss: float
    unknown: int


def tally(
    model: LoadedModel, layer: NodeLayer, edits: Sequence[Edit], split: Split, note: str = "", classes: int = 0
) -> Tally:
    """Run every edit of one layer over a split and count what changes.

    Without labels the unperturbed predictions take their place, and losses are NaN.

    Parameters
    ----------
    classes
        How many classes to count apart, labels 0 to classes - 1; 0 counts all together.

    Raises
    ------
    DataError
        If there are no samples, or the unperturbed network's outputs are not numbers.
    """

    def count(block: Block) -> Array:
        right, loss = _judge(block, layer, edits)
        gained = (right & ~block.right).sum(1)
        counts = [right.sum(1).cpu().numpy(), gained.cpu().numpy(), loss.numpy()]
        return np.concatenate([*counts, *by_class(right, block.truth.labels, classes)])

    total, counted = each_block(model, layer, split, count, note)
    hits, gained, loss, class_samples, class_hits = np.split(counted, np.cumsum([len(edits)] * 3 + [classes]))
    hits, gained, samples, baseline = hits.astype(np.int64), gained.astype(np.int64), len(split), int(total[0])
    return Tally(
        samples,
        baseline,
        hits,
        gained,
        gained + baseline - hits,
        loss / samples,
        total[1] / samples,
        class_samples.astype(np.int64),
        class_hits.astype(np.int64).reshape(len(edits), classes),
    )


def by_class(right: Tensor, labels: Tensor, classes: int) -> tuple[Array, Array]:
    """Count rows of each class, (C,), and those of them that are right, (E, B) booleans -> (E * C,)."""
    if not classes:
        return np.empty(0), np.empty(0)
    member = (labels[:, None] == torch.arange(classes, device=labels.device)).to(torch.float32)
    hits = right.to(torch.float32) @ member  # exact: at most a block of rows
    return member.sum(0).cpu().numpy(), hits.flatten().cpu().numpy()


def each_block(
    model: LoadedModel, layer: NodeLayer, split: Split, count: Callable[[Block], Array], note: str = ""
) -> tuple[Array, Array]:
    """Add up what `count` gives of every block of rows.

    Returns
    -------
    baseline
        Hits and summed loss of the unperturbed network.
    counted
        The sum.
    """
    if not len(split):
        raise DataError(layer.name, found="no samples", expected="one or more", do="check the data")
    opened, workers = open_site(model, layer)
    starts = range(0, len(split), BLOCK)

    @torch.no_grad()
    def one(start: int) -> tuple[Array, Array]:
        block = _open_block(model, opened, split, slice(start, min(start + BLOCK, len(split))))
        return np.array([int(block.right.sum()), block.loss, block.unknown]), count(block)

    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        parts = list(
            tqdm(pool.map(one, starts), total=len(starts), desc=note or layer.name, unit="blocks", disable=None)
        )
    baseline = np.sum([first for first, _ in parts], axis=0)
    check_numbers(layer.name, int(baseline[2]), len(split))
    return baseline[:2], np.sum([second for _, second in parts], axis=0)


def check_numbers(where: str, unknown: int, samples: int) -> None:
    """See that the unperturbed network's outputs are numbers on every sample."""
    if unknown:
        raise DataError(
            where,
            found=f"{unknown:,} of {samples:,} samples whose output is not a number",
            expected="finite outputs of the unperturbed network",
            do="check the weights, the scaling and these samples",
        )


def _open_block(model: LoadedModel, opened: Callable[[Tensor], Site | HookedSite], split: Split, rows: slice) -> Block:
    x = as_tensor(split.inputs[rows], model.scaling, model.input_shape).to(device_of(model.module))
    site = opened(x)
    outputs = site.run(Edit())
    guess = classes(outputs, model.output)
    labels = guess if split.labels is None else torch.from_numpy(split.labels[rows]).to(guess.device)
    unknown = int((guess < 0).sum())
    truth = Truth(labels.clamp_min(0), model.output, split.labels is not None)
    right, loss = right_and_loss([outputs], truth)
    return Block(site, truth, outputs, right[0], float(loss[0]), unknown)


def _judge(block: Block, layer: NodeLayer, edits: Sequence[Edit]) -> tuple[Tensor, Tensor]:
    """Judge all edits: which rows are right (E, B), summed losses (E,)."""
    right = torch.empty(len(edits), len(block.right), dtype=torch.bool, device=block.right.device)
    loss = torch.empty(len(edits), dtype=torch.float64)
    quick = _quick(block, layer, edits)
    if quick:
        ready = rank_one(block.site)  # type: ignore[arg-type]
        for start in range(0, len(quick), TOGETHER):
            chosen = quick[start : start + TOGETHER]
            nodes, values = ready.values([edits[i] for i in chosen])
            right[chosen], loss[chosen] = ready.judge(nodes, values, block.truth)
    served = set(quick)
    for chosen in _stacks([i for i in range(len(edits)) if i not in served], block):
        outputs = [block.site.run(edits[i]) for i in chosen]
        right[chosen], loss[chosen] = right_and_loss(outputs, block.truth)
    return right, loss


def _quick(block: Block, layer: NodeLayer, edits: Sequence[Edit]) -> list[int]:
    """List the edits that a rank-1 update serves: of one node, read by a linear map, judged by cross-entropy."""
    if block.truth.form in PROBABILITIES or block.outputs.shape[1] == 1:
        return []
    if not acts_on_each_node_alone(block.site, layer):
        return []
    return [i for i, edit in enumerate(edits) if edit.nodes is not None and len(edit.nodes) == 1]


def _stacks(edits: list[int], block: Block) -> list[list[int]]:
    """Cut a list of edits into those judged together: as many as stay in the processor's cache."""
    size = max(1, CELLS // block.outputs.numel())
    return [edits[start : start + size] for start in range(0, len(edits), size)]
