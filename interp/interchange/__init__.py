"""Recorded values and the table of nodes -> files of other programs: parquet, zarr, npz, anndata, xarray."""

from interp.interchange.contents import Contents
from interp.interchange.formats import FORMATS, Format, find_format, write_as

__all__ = ["FORMATS", "Contents", "Format", "find_format", "write_as"]
