"""Files of no known format: what they look like, and what to do with them."""

from __future__ import annotations

import pickletools
from pathlib import Path

from interp.checkpoints.formats.glance import Glance
from interp.checkpoints.formats.shards import INDEX
from interp.checkpoints.formats.unread.foreign import foreign
from interp.errors import CheckpointError

SAVE_STATE = "save one with torch.save(model.state_dict(), 'model.pt') or with safetensors"
FROM_NUMPY = (
    "save weights under the names that torch gives them with torch.save({{name: torch.from_numpy(array) for name, array"
    " in numpy.load({name!r}).items()}}, 'model.pt'); give data with --data"
)
"""Remedy for an archive of numpy's of some name."""

POINTER = b"version https://git-lfs"


def unknown(seen: Glance) -> CheckpointError:
    """Build the error for a file that no format recognises."""
    other = foreign(seen.start, seen.members, seen.path.name)
    if other is not None:
        return CheckpointError(seen.path, found=other.found, expected="a torch, safetensors or ONNX file", do=other.do)
    if seen.is_folder:
        return CheckpointError(seen.path, found="a folder", expected="a checkpoint file", do="check the path")
    if seen.members and all(name.endswith(".npy") for name in seen.members):
        found, do = f"an archive of {len(seen.members)} numpy arrays (.npz)", FROM_NUMPY.format(name=seen.path.name)
        return CheckpointError(seen.path, found=found, expected="a torch, safetensors or ONNX file", do=do)
    if seen.start.startswith(b"PK"):
        found = f"a zip of {len(seen.members)} files without data.pkl"
        return CheckpointError(seen.path, found=found, expected="a torch file", do=SAVE_STATE)
    if seen.path.name.endswith(INDEX):
        do = f"give the folder, {seen.path.parent}"
        return CheckpointError(
            seen.path, found="an index of files that hold a network together", expected="them", do=do
        )
    is_pointer = seen.start.startswith(POINTER)
    do = "fetch the real file with `git lfs pull`" if is_pointer else SAVE_STATE
    return CheckpointError(seen.path, found=_looks_like(seen), expected="a trained network's weights", do=do)


def _looks_like(seen: Glance) -> str:
    start = seen.start
    if start.startswith(POINTER):
        return "a Git LFS pointer, not the file it points to"
    if start.startswith(b"\x89HDF"):
        return "an HDF5 file"
    if start[:1] == b"\x80" and len(start) > 1 and start[1] <= 5:
        return _pickle_of(seen.path)
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
        return "a text file"
    return "bytes of no known format"


def _pickle_of(path: Path) -> str:
    """Name the packages a pickle refers to, reading its opcodes without running any."""
    packages: set[str] = set()
    strings: list[str] = []
    try:
        with path.open("rb") as file:
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name == "GLOBAL":
                    packages.add(str(argument).split(" ")[0].split(".")[0])
                elif "UNICODE" in opcode.name or "STRING" in opcode.name:
                    strings.append(str(argument))
                elif opcode.name == "STACK_GLOBAL" and len(strings) > 1:
                    packages.add(strings[-2].split(".")[0])
                if len(packages) > 8 or file.tell() > 10_000_000:
                    break
    except Exception:
        pass  # joblib mixes array bytes between opcodes; what was read until there is enough
    known = sorted(name for name in packages if name.isidentifier())
    return f"a Python pickle of {', '.join(known)} objects" if known else "a Python pickle"
