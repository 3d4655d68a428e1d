"""What kind of file this is, told from its content and never from its name."""

from __future__ import annotations

import pickletools
import stat
import zipfile
from pathlib import Path

from interp.checkpoints.formats.onnx.protobuf import places
from interp.errors import CheckpointError, first_line

LARGEST_RATIO = 100  # unpacked to packed size; pickled names alone compress to a tenth
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # pickle of torch's 0x1950a86a20f9469cfc6c
GRAPH, BEFORE_GRAPH = 7, frozenset(range(1, 7))  # fields of ModelProto
REASONS: dict[type, str] = {
    IsADirectoryError: "a folder",
    FileNotFoundError: "no such file",
    NotADirectoryError: "no such file",
}
SAVE_STATE = "save one with torch.save(model.state_dict(), 'model.pt') or with safetensors"


def sniff(path: Path) -> str:
    """Name a file's format, one of `interp.checkpoints.formats.readers.READERS`.

    Raises
    ------
    CheckpointError
        For a file that is none of these, saying what it looks like instead.
    """
    if _has_config(path):
        return "huggingface"
    head, size = _head(path)
    if head.startswith(b"PK"):
        return _zip_format(path)
    if head.startswith(LEGACY_MAGIC):
        return "torch-legacy"
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < max(size, 100_000_000):
        return "safetensors"
    if head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head.lower() or _leads_to_a_graph(head)):
        return "onnx"
    raise CheckpointError(path, found=_looks_like(path, head), expected="a trained network's weights", do=_remedy(head))


def _leads_to_a_graph(head: bytes) -> bool:
    """Whether the fields are those of ONNX's ModelProto up to its graph, whoever wrote it."""
    try:
        numbers = [number for number, *_ in places(head)]
    except ValueError:
        return False
    return GRAPH in numbers and set(numbers[: numbers.index(GRAPH)]) <= BEFORE_GRAPH


def _has_config(path: Path) -> bool:
    try:
        return (path / "config.json").is_file()
    except OSError:  # a name too long or a closed folder: opening it says so
        return False


def _head(path: Path) -> tuple[bytes, int]:
    try:
        kind = path.stat().st_mode  # before it is opened: a pipe would wait for someone who writes
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise CheckpointError(path, found="a pipe, socket or device", expected="a file", do="copy it to a file")
        with path.open("rb") as file:
            head = file.read(4096)
            size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = REASONS.get(type(error), getattr(error, "strerror", None) or first_line(error))
        raise CheckpointError(path, found=reason, expected="a checkpoint file", do="check the path") from error
    if not head:
        raise CheckpointError(path, found="an empty file", expected="a checkpoint file", do="save or copy it again")
    return head, size


def _zip_format(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names, declared = archive.namelist(), sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(
            path,
            found="a zip archive cut short or damaged",
            expected="a whole torch file",
            do="copy or download it again",
        ) from error
    if declared > LARGEST_RATIO * path.stat().st_size:  # torch does not compress: a zip bomb
        raise CheckpointError(
            path,
            found=f"a zip that unpacks to {declared:,} bytes",
            expected="a torch file",
            do="do not trust this file",
        )
    if len(set(names)) < len(names):  # readers would differ in which of two they take
        raise CheckpointError(path, found="a zip with doubled names", expected="a torch file", do="save it again")
    stems = {name.rsplit("/", 1)[-1] for name in names}
    if "serialized_exported_program.json" in stems or "archive_format" in stems:
        return "torch-export"
    if "constants.pkl" in stems:
        return "torchscript"
    if "data.pkl" in stems:
        return "torch-zip"
    raise CheckpointError(
        path, found=f"a zip of {len(names)} files without data.pkl", expected="a torch file", do=SAVE_STATE
    )


def _remedy(head: bytes) -> str:
    return "fetch the real file with `git lfs pull`" if head.startswith(b"version https://git-lfs") else SAVE_STATE


def _looks_like(path: Path, head: bytes) -> str:
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file it points to"
    if head.startswith(b"\x89HDF"):
        return "an HDF5 file"
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        return _pickle_of(path)
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in head):
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
