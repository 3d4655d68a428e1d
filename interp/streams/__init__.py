"""Batches that come one after the other: read ahead of use, and kept on disk in place of memory."""

from interp.streams.ahead import ahead
from interp.streams.rows import Kept, RowsOnDisk, flat_rows, row_blocks
from interp.streams.stream import Batch, Stream

__all__ = ["Batch", "Kept", "RowsOnDisk", "Stream", "ahead", "flat_rows", "row_blocks"]
