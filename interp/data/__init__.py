"""Data sets: a name, a path or something in memory -> inputs, labels or targets, and how they are usually scaled."""

from interp.data.draws import fixed_draws
from interp.data.load import IN_MEMORY, load_dataset
from interp.data.options import DataOptions
from interp.data.scale.usual import RAW, affine_scaling, scalings, standardisation
from interp.data.scale.written import parse_scaling
from interp.data.sources import SOURCES, data_names, is_code
from interp.data.streams.sources import stream

__all__ = [
    "IN_MEMORY",
    "RAW",
    "SOURCES",
    "DataOptions",
    "affine_scaling",
    "data_names",
    "fixed_draws",
    "is_code",
    "load_dataset",
    "parse_scaling",
    "scalings",
    "standardisation",
    "stream",
]
