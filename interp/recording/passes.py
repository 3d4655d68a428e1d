"""Passes over all samples of a split: the first gathers statistics, a second sorts values into bins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from itertools import accumulate, chain, count, islice
from typing import Any

from interp.analysis.components.halves import sample_halves
from interp.analysis.components.values import NodeValues, values_gathered
from interp.analysis.mergeable.splits import SplitStatistics
from interp.data.streams.drawn import Whole
from interp.errors import DataError
from interp.ranks import ALONE, Ranks
from interp.recording.bins import Halves, added, bin_halves, in_groups
from interp.recording.gather import Block, Places, gather
from interp.recording.positions import DrawnPlaces, drawn_positions, position_counts, samples_a_block
from interp.types import Dataset, LoadedModel, NodeLayer, Split
from interp.types.parts import Keep

PART = 64
"""Number of blocks whose statistics are kept together, so that a pass that was interrupted goes on behind them."""


@dataclass(frozen=True)
class Samples:
    """All samples of a split, to be read anew for each pass.

    Attributes
    ----------
    begin
        Function that begins the blocks of samples, in order; of several processes those that are this one's, which go
        round.
    places
        Layer name -> positions of each sample that are looked at.
    is_once
        Whether samples come once, so that there is no second pass.
    """

    begin: Callable[[Ranks], Iterable[Block]]
    places: Mapping[str, Places]
    is_once: bool = False


def samples_of(model: LoadedModel, data: Dataset, split: str, seed: int, positions: int | None = None) -> Samples:
    """Take the samples of a data set, in the blocks and at the positions that a recording has.

    Parameters
    ----------
    model
        Network that is run on them.
    data
        Data set.
    split
        Name of the split.
    seed
        Seed of the random number generator that draws the positions of convolutions.
    positions
        Number of positions of a sample that was asked for; None for as many as make a table of bounded length.
    """
    counts, part = position_counts(model, data), data.splits[split]
    size, places = samples_a_block(model, counts), drawn_positions(model, data, split, counts, seed, asked=positions)
    return Samples(lambda ranks: _blocks(part, size, ranks), places)


FEW = 16
"""Number of positions that are looked at of each sample, of samples whose number is not known."""


def samples_of_whole(
    model: LoadedModel,
    data: Dataset,
    split: str,
    wholes: Mapping[str, Whole],
    seed: int,
    positions: int | None = None,
) -> Samples:
    """Take all samples of a split of which the data set holds some.

    Parameters
    ----------
    model
        Network that is run on them.
    data
        Data set of the samples that are held.
    split
        Name of the split, one of `wholes`.
    wholes
        Name of a split -> all of its samples.
    seed
        Seed of the random number generator that draws the positions of convolutions.
    positions
        Number of positions of a sample that was asked for; None for as many as make a table of bounded length, or, of
        samples whose number is not known, `FEW`.
    """
    counts, whole, part = position_counts(model, data), wholes[split], data.splits[split]
    size = samples_a_block(model, counts)
    begin = partial(_of_whole, whole, part, size)
    if whole.samples is None:
        kept, distinct = positions or FEW, positions is not None
        places = {name: DrawnPlaces(count, min(count, kept), seed, distinct) for name, count in counts.items()}
        return Samples(begin, places, is_once=True)
    known = {name: len(each) for name, each in data.splits.items()}
    sizes = known | {name: each.samples for name, each in wholes.items() if each.samples is not None}
    return Samples(begin, drawn_positions(model, data, split, counts, seed, sizes, positions))


def _of_whole(whole: Whole, part: Split, size: int, ranks: Ranks) -> Iterator[Block]:
    """Yield the blocks of one pass that are a process's own: read without the others where that can be."""
    if ranks.size == 1 or whole.part is None or whole.samples is None:
        return islice(_every(whole, part, size), ranks.rank, None, ranks.size)
    return _own(whole, part, size, range(ranks.rank * size, whole.samples, ranks.size * size), whole.samples)


def _every(whole: Whole, part: Split, size: int) -> Iterator[Block]:
    """Yield all blocks; a pass that gives other numbers of samples than the one that counted is refused."""
    first = 0
    for inputs, labels in whole.blocks(part, size):
        if whole.samples is not None and first + len(inputs) > whole.samples:
            raise _changed(whole.name, f"over {whole.samples:,} samples", whole.samples)
        yield Block(first, inputs, labels)
        first += len(inputs)
    if whole.samples is not None and first < whole.samples:
        raise _changed(whole.name, f"{first:,} samples", whole.samples)


def _own(whole: Whole, part: Split, size: int, firsts: range, samples: int) -> Iterator[Block]:
    """Yield the blocks that begin at some samples; they are all that is read."""
    ranges = [range(first, min(first + size, samples)) for first in firsts]
    found = 0
    for place, (inputs, labels) in enumerate(whole.blocks(part, size, ranges)):
        found += len(inputs)
        if place >= len(ranges) or len(inputs) != len(ranges[place]):
            break
        yield Block(ranges[place].start, inputs, labels)
    wanted = sum(map(len, ranges))
    if found != wanted:
        raise _changed(whole.name, f"{found:,} of {wanted:,} samples of a part", samples)


def _changed(name: str, found: str, samples: int) -> DataError:
    do = "give the same samples in each pass, or analyse with store=True"
    return DataError(name, found=f"{found} in a further pass", expected=f"{samples:,}, as in the first", do=do)


def _blocks(part: Split, size: int, ranks: Ranks) -> Iterator[Block]:
    for first in range(ranks.rank * size, len(part), ranks.size * size):
        rows = slice(first, first + size)
        yield Block(first, part.inputs[rows], None if part.labels is None else part.labels[rows])


def first_pass(
    model: LoadedModel,
    samples: Samples,
    name: str,
    keep: Keep,
    predictions: bool = True,
    ranks: Ranks = ALONE,
) -> SplitStatistics:
    """Gather the statistics of all samples, in parts that are kept as they are finished.

    Parameters
    ----------
    model
        Network whose layers are looked at.
    samples
        Samples of a split.
    name
        Name of the split.
    keep
        Function that gives each part, kept from before an interrupt or made now.
    predictions
        Whether predicted classes are counted; else what follows the last layer is not run.
    ranks
        Processes that gather, each over blocks of its own; `keep` gives the parts of this one.
    """
    whose = name if ranks.size == 1 else f"{name}, rank {ranks.rank} of {ranks.size},"
    parts = _parts(model, samples, whose, keep, predictions, ranks)
    mine = deque(accumulate(parts, SplitStatistics.merge), maxlen=1)  # empty where there are fewer blocks than ranks
    return reduce(SplitStatistics.merge, chain.from_iterable(ranks.told(mine)))


def _parts(
    model: LoadedModel, samples: Samples, name: str, keep: Keep, predictions: bool, ranks: Ranks
) -> Iterator[SplitStatistics]:
    blocks = iter(samples.begin(ranks))
    for number in count():
        first = next(blocks, None)
        if first is None:
            return
        some = chain([first], islice(blocks, PART - 1))
        make = partial(gather, model, some, samples.places, predictions=predictions)
        yield keep(f"{name} {number}", make, SplitStatistics)
        for _ in some:  # of a part that was kept, samples are read and left
            pass


class GatheredValues:
    """What fits need of layers without recorded values, from statistics and, where there can be one, a second pass.

    Parameters
    ----------
    model
        Network whose layers are looked at.
    samples
        Samples of the split.
    found
        Statistics of the samples, from the first pass.
    bins
        Number of bins of histograms.
    lock
        Lock to hold while the network runs.
    ranks
        Processes that share the second pass where there is one over all layers; all of them make this at once.
    """

    def __init__(
        self,
        model: LoadedModel,
        samples: Samples,
        found: SplitStatistics,
        bins: int,
        lock: Any,
        ranks: Ranks = ALONE,
    ) -> None:
        self._model, self._samples, self._found, self._bins, self._lock = model, samples, found, bins, lock
        self._groups = list(in_groups(model.layers, bins))
        self._halves: dict[str, Halves] = {}
        if self.is_at_hand and not samples.is_once:
            every = ranks.told(self._second_pass([layer.name for layer in model.layers], ranks))
            self._halves = reduce(added, filter(None, every))

    @property
    def is_at_hand(self) -> bool:
        """Whether the values of all layers fit in memory at once, so that no order of asking takes further passes."""
        return len(self._groups) <= 1

    def __call__(self, layer: NodeLayer) -> NodeValues:
        """Give what the fit of a layer needs; layers are sorted into bins some at once, in their order."""
        with self._lock:
            if layer.name not in self._halves and not self._samples.is_once:
                group = next(group for group in self._groups if layer in group)
                self._halves = self._second_pass([each.name for each in group])
            return values_gathered(self._found.layers[layer.name], self._halves.get(layer.name), self._bins)

    def _second_pass(self, layers: list[str], ranks: Ranks = ALONE) -> dict[str, Halves]:
        places = {name: self._samples.places[name] for name in layers}
        second = sample_halves(self._found.samples)
        return bin_halves(self._model, self._samples.begin(ranks), places, self._found, second, self._bins)
