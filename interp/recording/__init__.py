"""Model and data -> Recording, streamed to disk; and the inputs behind recorded rows."""

from interp.recording.positions import multiply_adds
from interp.recording.record import record_activations
from interp.recording.rows import layer_rows

__all__ = ["layer_rows", "multiply_adds", "record_activations"]
