"""A stream whose samples can be had one without the other: each process of a machine decodes some, into one file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interp.data.draws import fixed_draws
from interp.data.finite import check_finite
from interp.data.found import Found
from interp.data.images.orders import LAST
from interp.data.streams.batches import Arrays, closing_batches, each_as_arrays, joined
from interp.data.streams.collect import channels_first, inputs_name, narrow
from interp.data.words import LABEL_KEYS
from interp.ranks import Ranks
from interp.streams import Kept, RowsOnDisk, Stream, ahead
from interp.streams.nameless import Handle, Nameless
from interp.streams.shared import Carrier, array_of, packed, unpacked


@dataclass(frozen=True)
class _Part:
    """What a process says of what it decoded: inputs lie in the file of the machine, others in one of its own.

    Attributes
    ----------
    row
        Type and shape of the inputs of a sample.
    names
        Names of the arrays of a batch, that of the inputs first.
    is_held
        Whether all samples are held in memory.
    is_turned
        Whether images came with their channels last.
    others
        File with the arrays of each batch but for the inputs; None where there are no samples.
    """

    row: tuple[np.dtype, tuple[int, ...]] | None
    names: tuple[str, ...]
    is_held: bool
    is_turned: bool
    others: Carrier | None = field(compare=False)


def divided(stream: Stream | None, most: int, ranks: Ranks) -> Found | None:
    """Read a stream together: each process of a machine decodes a part of its samples.

    All processes call it. What is found is what one finds that reads all; where that is not sure (samples that cannot
    be had without the others, differ in type, or fail), there is nothing.

    Parameters
    ----------
    stream
        Stream to be read; None for data that are none.
    most
        Largest number of bytes of all samples that are held in memory; those of more lie on disk.
    ranks
        Processes of the job.

    Returns
    -------
    Found or None
        Arrays by name, as of `interp.data.streams.collect`.

    Raises
    ------
    JobError
        If another process has ended.
    """
    samples = 0 if stream is None or stream.part is None else stream.samples or 0
    if set(ranks.told(samples)) != {samples} or not samples:
        return None
    assert stream is not None
    files = _files(ranks)
    place, size = ranks.beside.index(ranks.rank), len(ranks.beside)
    mine = range(samples * place // size, samples * (place + 1) // size)
    if files is None:
        return None
    every = ranks.told(_decoded(stream, mine, most, *files))
    parts = [every[rank] for rank in ranks.beside]
    known = [one for one in parts if one is not None and one.others]
    is_whole = None not in every and known and all(one == known[0] for one in known)
    others = _others(known) if is_whole else None
    if not all(ranks.told(others is not None)):  # files stay open until all have come here
        return None
    assert others is not None
    return _found(stream, known[0], files[0], samples, others)


def _files(ranks: Ranks) -> tuple[Nameless, Nameless] | None:
    """Open one file in all processes of a machine, and one of each's own; None where one of any machine cannot."""
    file, handle, own = None, None, None
    with suppress(OSError):  # no room, or no such way on this system
        own = Nameless()
        if ranks.rank == ranks.beside[0]:
            file = Nameless()
            handle = file.handle
    given: Handle | None = ranks.told(handle)[ranks.beside[0]]
    with suppress(OSError):
        if file is None and given is not None:
            file = Nameless.opened(given)
    found = None if file is None or own is None else (file, own)
    return found if all(ranks.told(found is not None)) else None


def _decoded(stream: Stream, mine: range, most: int, file: Nameless, own: Nameless) -> _Part | None:
    """Decode some samples; None where they are not as one process would have them, which then says why."""
    part = stream.watched or stream.part
    assert part is not None
    kept, others, about = Kept(stream.name, file, mine.start), list[Arrays](), list[tuple[Any, ...]]()
    try:
        with (
            fixed_draws(0),
            closing_batches(each_as_arrays(stream.name, part([mine]) if mine else ())) as batches,
            closing(ahead(batches)) as following,
        ):
            for batch in following:
                name = inputs_name(batch)
                if name is None:
                    return None
                sizes = sum(array.nbytes // len(array) for array in batch.values())
                is_held = sizes * (stream.samples or 0) <= most
                inputs, is_turned = (batch[name], False) if is_held else channels_first(batch[name])
                kept.add(inputs)
                wanted = {key: array for key, array in batch.items() if key != name}
                if not is_held:
                    check_finite(stream.name, inputs)
                    wanted = {key: narrow(array) for key, array in wanted.items() if key in LABEL_KEYS}
                others.append(wanted)
                about.append(((name, *wanted), is_held, is_turned))
        kept.flush()
        carrier = packed(others, own) if others else None
    except Exception:  # whatever it is, one process that reads all meets it too, and says what one alone would
        return None
    if kept.count != len(mine) or len(set(about)) > 1 or (others and carrier is None):
        return None
    names, is_held, is_turned = about[0] if about else ((), False, False)
    return _Part(kept.row, names, is_held, is_turned, carrier)


def _others(parts: list[_Part]) -> list[Arrays] | None:
    """Read the arrays of each batch but for the inputs, of all processes of a machine; None where that fails."""
    with suppress(OSError):
        return [batch for part in parts if part.others for batch in unpacked(part.others)]
    return None


def _found(stream: Stream, first: _Part, file: Nameless, samples: int, batches: list[Arrays]) -> Found:
    """Join what all have decoded."""
    assert first.row is not None
    dtype, shape = first.row
    others: Mapping[str, Any] = joined(stream.name, batches)
    make = array_of if first.is_held else RowsOnDisk.of
    inputs = {first.names[0] if first.is_held else "x": make(file, dtype, (samples, *shape))}
    facts = LAST if first.is_turned else {}
    return Found({**inputs, **others, **stream.names}, {**facts, **stream.facts})
