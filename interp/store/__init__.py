"""Results <-> versioned, self-describing HDF5; the only room that imports h5py."""

from interp.store.atomic import atomic_folder, atomic_path, check_writable, file_name, write_bytes, write_text
from interp.store.belonging import check_layers, check_tables
from interp.store.files import check_same, read_results, write_results
from interp.store.recording_writer import RecordingWriter
from interp.store.shards.opening import check_recording, open_recording, read_provenance, recorded_splits

__all__ = [
    "RecordingWriter",
    "atomic_folder",
    "atomic_path",
    "check_layers",
    "check_recording",
    "check_same",
    "check_tables",
    "check_writable",
    "file_name",
    "open_recording",
    "read_provenance",
    "read_results",
    "recorded_splits",
    "write_bytes",
    "write_results",
    "write_text",
]
