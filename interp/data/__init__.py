"""Data sets: a name or a path -> inputs, labels or targets, and the ways they are usually scaled."""

from interp.data.load import is_code, load_dataset
from interp.data.named import DATASETS
from interp.data.options import DataOptions
from interp.data.scaling import RAW, affine_scaling, parse_scaling, scalings, standardisation

__all__ = [
    "DATASETS",
    "RAW",
    "DataOptions",
    "affine_scaling",
    "is_code",
    "load_dataset",
    "parse_scaling",
    "scalings",
    "standardisation",
]
