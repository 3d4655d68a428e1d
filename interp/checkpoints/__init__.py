"""Checkpoints: a path -> a network ready to be looked at."""

from interp.checkpoints.load import READERS, LoadOptions, load_model, read_contents

__all__ = ["READERS", "LoadOptions", "load_model", "read_contents"]
