"""Data that the processes of a job read together: each decodes a part, or one of each machine all, for the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.sources import DECODED, Source
from interp.data.sources.loaders import is_share
from interp.data.streams.collect import MOST_HELD
from interp.data.streams.divided import divided
from interp.data.streams.hugging_face import HuggingFace
from interp.data.streams.sources import stream
from interp.ranks import Ranks
from interp.streams import Stream
from interp.streams.shared import once


@dataclass(frozen=True)
class Together:
    """Data as the user gave them, and the processes that all open them at once.

    Attributes
    ----------
    data
        Data of any kind that `interp.load_dataset` takes.
    ranks
        Processes of the job.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> from interp.ranks import ALONE
    >>> load_dataset(Together("digits", ALONE)).name
    'digits'
    """

    data: Any
    ranks: Ranks


def read_together(spec: Any, source: Source, options: DataOptions, ranks: Ranks) -> Any:
    """Read data from a source; of several processes each what it has to, and all get the same.

    Parameters
    ----------
    spec
        Data that the source reads.
    source
        Function that reads them.
    options
        Options of reading data.
    ranks
        Processes that read.
    """
    if ranks.size == 1 or source not in DECODED or _has_shares(spec):
        return source(spec, options)
    found, held = _as_stream(spec, options)
    whole = divided(found, held, ranks)
    if whole is not None:
        return whole
    return once(ranks, lambda: source(spec, options), lambda made: isinstance(made, Found))


def _has_shares(spec: Any) -> bool:
    """Whether a loader gives each rank other samples: each reads its own, which are then refused as other data."""
    return spec.is_share if isinstance(spec, Stream) else isinstance(spec, DataLoader) and is_share(spec)


def _as_stream(spec: Any, options: DataOptions) -> tuple[Stream | None, int]:
    """Give the stream that data are or can be read as, and how many bytes of it are held in memory; None of others."""
    if isinstance(spec, Stream):
        return spec, 0
    if not isinstance(spec, DataLoader | TorchDataset | HuggingFace) or isinstance(spec, TensorDataset):
        return None, 0
    try:
        found = stream(spec, options)
    except Exception:  # whatever it is, one process that reads all meets it too, and says what one alone would
        return None, 0
    return found if isinstance(found, Stream) else None, MOST_HELD
