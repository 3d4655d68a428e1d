"""Options of reading a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag


@dataclass(frozen=True)
class DataOptions:
    """How a data set is found and read.

    Attributes
    ----------
    root
        Folder in which data sets are looked for.
    offline
        Whether downloads are forbidden.
    target
        Column of a table to be predicted, or ``none``.
    header
        Whether the first line of a ``.csv`` names its columns: ``yes`` or ``no``.
    fill
        Statistic of a column's training rows that stands in for its missing values: ``mean``, ``median``, or ``zero``.
    categories
        Encoding of columns of text: ``one-hot``, ``drop-first`` (without the first category of each) or ``codes``
        (numbers from 0, in alphabetical order).
    image_size
        Side in pixels to which images of a folder are resized and cut.

    Examples
    --------
    >>> DataOptions(offline=True, target="price")
    DataOptions(root=None, offline=True, target='price', header=None, fill=None, categories='one-hot', image_size=None)
    """

    root: Annotated[str | None, Flag(name="data_root", default="INTERP_DATA of the environment, or a cache")] = None
    offline: Annotated[bool, Flag()] = False
    target: Annotated[str | None, Flag(default="target, label, class or y; else the last")] = None
    header: Annotated[str | None, Flag(default="yes, and asked where that line holds numbers")] = None
    fill: Annotated[str | None, Flag(default="missing values are refused")] = None
    categories: Annotated[str, Flag()] = "one-hot"
    image_size: Annotated[int | None, Flag(low=1, high=4096, default="as they are")] = None
