"""How the rows of a recording are laid out on disk: reading some rows of all nodes, and all rows of one node.

python benchmarks/layout.py [--rows 65536] [--nodes 1024]

The same float32 values are written contiguous, as recordings are, and in chunks of several shapes, allocated first as
a recording must be to survive a kill. Each is written 1024 rows at a time; read 1024 rows at a time, all of them; and
some nodes are read alone, with the file in the system's cache, so that what is measured is the work and not the disk.
The ratio is the time of contiguous rows over that of the best chunks, for rows and one node together.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

from interp.cli import guarded

BLOCK, READ_ALONE = 1024, 4
SHAPES = {"contiguous": None, "1024 x 32": (1024, 32), "1024 x 128": (1024, 128), "1024 x 512": (1024, 512)}


def created(file: h5py.File, rows: int, nodes: int, chunks: tuple[int, int] | None) -> h5py.Dataset:
    """Make a dataset whose room is taken first."""
    if chunks is None:
        return file.create_dataset("values", (rows, nodes), np.float32)
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((min(chunks[0], rows), min(chunks[1], nodes)))
    made.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    made.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple((rows, nodes))
    return h5py.Dataset(h5py.h5d.create(file.id, b"values", h5py.h5t.IEEE_F32LE, space, dcpl=made))


def measured(folder: Path, values: np.ndarray, chunks: tuple[int, int] | None) -> dict[str, float]:
    """Write and read values in one layout, in seconds of the processor."""
    path, (rows, nodes) = folder / "a.h5", values.shape
    begun = time.process_time()
    with h5py.File(path, "w", rdcc_nbytes=0) as file:
        made = created(file, rows, nodes, chunks)
        for start in range(0, rows, BLOCK):
            made[start : start + BLOCK] = values[start : start + BLOCK]
    found = {"write": time.process_time() - begun}
    with h5py.File(path) as file:
        begun = time.process_time()
        for start in range(0, rows, BLOCK):
            assert file["values"][start : start + BLOCK].shape[1] == nodes
        found["rows"] = time.process_time() - begun
        begun = time.process_time()
        for node in range(0, nodes, nodes // READ_ALONE):
            np.testing.assert_array_equal(file["values"][:, node], values[:, node])
        found["one node"] = (time.process_time() - begun) / READ_ALONE
    path.unlink()
    return found


def main():
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--rows", type=int, default=65_536)
    known.add_argument("--nodes", type=int, default=1024)
    options = known.parse_args()
    values = np.random.default_rng(0).normal(size=(options.rows, options.nodes)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        found = {name: measured(Path(folder), values, chunks) for name, chunks in SHAPES.items()}
    for name, seconds in found.items():
        print(f"{name:<12}" + "".join(f"{what:>12} {taken:7.3f} s" for what, taken in seconds.items()))
    both = {name: seconds["rows"] + seconds["one node"] for name, seconds in found.items()}
    best = min((name for name in both if name != "contiguous"), key=both.__getitem__)
    versions = {"python": platform.python_version()} | {name: version(name) for name in ("numpy", "h5py")}
    line = {"benchmark": "layout", "ratio": both["contiguous"] / both[best], "best": best, "seconds": found}
    print(json.dumps({**line, "rows": options.rows, "nodes": options.nodes, "versions": versions}))


if __name__ == "__main__":
    sys.exit(guarded(main))
