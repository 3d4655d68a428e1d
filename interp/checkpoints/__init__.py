"""Checkpoints: a path -> a network ready to be looked at."""

from interp.checkpoints.formats.readers import READERS, read_contents
from interp.checkpoints.load import load_model
from interp.checkpoints.options import LoadOptions

__all__ = ["READERS", "LoadOptions", "load_model", "read_contents"]
