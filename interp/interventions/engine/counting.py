"""Runs every edit of one layer over a split and counts what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from interp.errors import DataError
from interp.interventions.edits import Edit
from interp.interventions.engine.blocks import Block, open_block
from interp.interventions.engine.sites import Place, open_site
from interp.interventions.engine.ways import Judged, Ways, find_ways
from interp.network.inputs import rows_a_block
from interp.types import Array, LoadedModel, NodeLayer, Split

Part = TypeVar("Part")


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
    unperturbed, counts, loss = np.zeros(3 + classes), np.zeros((2 + classes, len(edits))), np.zeros(len(edits))

    def count(block: Block, judged: Iterable[Judged]) -> tuple[list[float], list[tuple[list[int], Array, Array]]]:
        asked = _asked(block, classes)
        parts = [(some, (asked @ right.float().T).cpu().numpy(), each.numpy()) for some, right, each in judged]
        first = [float(block.right.sum()), float(block.loss), block.unknown]
        return [*first, *asked[2:].sum(1).tolist()], parts

    for before, parts in each_block(model, layer, edits, split, note, losses, count):
        unperturbed += np.array(before)
        for some, right, each in parts:
            counts[:, some] += right
            loss[some] += each
    check_numbers(layer.name, int(unperturbed[2]), len(split))
    return _tally(unperturbed, counts.astype(np.int64), loss / len(split), len(split))


def right_samples(model: LoadedModel, layer: NodeLayer, edits: Sequence[Edit], split: Split, note: str = "") -> Array:
    """Tell which samples are right under every edit of one layer, (E, S) booleans.

    Arguments and errors as of `tally`.
    """

    def keep(block: Block, judged: Iterable[Judged]) -> tuple[Array, int]:
        right = np.zeros((len(edits), block.right.shape[1]), bool)
        for some, each, _ in judged:
            right[some] = each.cpu().numpy()
        return right, block.unknown

    parts = list(each_block(model, layer, edits, split, note, False, keep))
    check_numbers(layer.name, sum(unknown for _, unknown in parts), len(split))
    return np.concatenate([right for right, _ in parts], axis=1)


def each_block(
    model: LoadedModel,
    layer: NodeLayer,
    edits: Sequence[Edit],
    split: Split,
    note: str,
    losses: bool,
    work: Callable[[Block, Iterable[Judged]], Part],
) -> Iterator[Part]:
    """Judge every edit of one layer on each block of rows; give what `work` makes of them, in order."""
    if not len(split):
        raise DataError(layer.name, found="no samples", expected="one or more", do="check the data")
    opened = open_site(model, layer)
    ways = find_ways(edits, opened, model.output)
    threads = _threads(ways, opened)
    size = rows_a_block(model, 1 if threads > 1 else torch.get_num_threads())

    @torch.no_grad()
    def one(start: int) -> Part:
        block = open_block(model, opened, split, slice(start, start + size), losses)
        return work(block, ways.judge(block))

    starts = range(0, len(split), size)
    done = each_done(one, starts, threads)
    return iter(tqdm(done, total=len(starts), desc=note or layer.name, unit="blocks", disable=None))


def _threads(ways: Ways, opened: object) -> int:
    """Give how many blocks to work on at once.

    Runs of what follows a layer are long enough for threads. The quicker ways are operations of some ten microseconds,
    between which threads of Python would wait for each other; hooks belong to the module.
    """
    return torch.get_num_threads() if ways.plain and isinstance(opened, Place) else 1


def each_done(work: Callable[[int], Part], starts: Iterable[int], threads: int) -> Iterator[Part]:
    """Work on each of some blocks in so many threads, each with one of torch's; give what comes of them in order."""
    if threads == 1:
        yield from map(work, starts)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(work, starts)
    finally:
        torch.set_num_threads(threads)  # libraries below torch count for the whole process


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
