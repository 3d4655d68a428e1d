"""Checkpoints: a path -> a network ready to be looked at."""

from interp.checkpoints.load import load_model
from interp.checkpoints.options import LoadOptions
from interp.checkpoints.readers import READERS, read_contents

__all__ = ["READERS", "LoadOptions", "load_model", "read_contents"]
