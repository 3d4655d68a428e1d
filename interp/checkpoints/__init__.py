"""Checkpoints: a path, a name or a module in memory -> a network ready to be looked at."""

from interp.checkpoints.as_found import as_found
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.formats import FORMATS, Format
from interp.checkpoints.formats.read import read_contents
from interp.checkpoints.live import load_module
from interp.checkpoints.load import load_model
from interp.checkpoints.options import LoadOptions, Network

__all__ = [
    "FORMATS",
    "Contents",
    "Format",
    "LoadOptions",
    "Network",
    "as_found",
    "load_model",
    "load_module",
    "read_contents",
]
