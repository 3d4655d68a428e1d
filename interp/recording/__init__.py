"""Model and data -> Recording, or statistics alone, streamed; and the inputs behind recorded rows."""

from interp.recording.gather import Block, gather
from interp.recording.options import StoreOptions
from interp.recording.positions import multiply_adds
from interp.recording.record import record_activations
from interp.recording.rows import layer_rows
from interp.recording.sharded import record_together

__all__ = ["Block", "StoreOptions", "gather", "layer_rows", "multiply_adds", "record_activations", "record_together"]
