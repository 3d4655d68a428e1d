"""The formats: how each is told from others by what is in the file, never by its name, and what reads it.

To add one: a function (path, allow_pickle) -> `Contents`, or a mapping of names to tensors or arrays, and a line in
`FORMATS`; or give ``package.module:name`` of that function with ``--format``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.export_files import read_export
from interp.checkpoints.formats.glance import Glance
from interp.checkpoints.formats.hf_folders import CONFIG, read_folder
from interp.checkpoints.formats.onnx.files import is_onnx, read_onnx
from interp.checkpoints.formats.safetensors_files import read_safetensors
from interp.checkpoints.formats.shards import is_shards, read_shards
from interp.checkpoints.formats.torch_files import read_torch
from interp.checkpoints.formats.torchscript.before_1_4 import MODEL, read_before_1_4
from interp.checkpoints.formats.torchscript.files import read_torchscript
from interp.checkpoints.formats.unread.foreign import is_package

Reader = Callable[[Path, bool], Contents | Mapping[str, Any]]
"""(file, whether it may run code) -> what is in it, or its tensors or arrays by name."""

LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # pickle of torch's 0x1950a86a20f9469cfc6c
LONGEST_HEADER = 100_000_000  # bytes of JSON before the tensors of a safetensors file


class Format(NamedTuple):
    """One way in which files hold a network.

    Attributes
    ----------
    recognises
        Function of a `Glance` at a file that tells whether it is of this format.
    read
        Function of (file, whether its code may run) that gives the contents, or tensors or arrays by name.
    """

    recognises: Callable[[Glance], bool]
    read: Reader


def _zip_with(*names: str) -> Callable[[Glance], bool]:
    return lambda seen: not seen.is_folder and seen.holds(*names) and not is_package(seen.members)


def _is_safetensors(seen: Glance) -> bool:
    header = int.from_bytes(seen.start[:8], "little")
    return seen.start[8:9] == b"{" and header < max(seen.size, LONGEST_HEADER)


FORMATS: dict[str, Format | str] = {
    "huggingface": Format(lambda seen: seen.is_folder and seen.holds(CONFIG), read_folder),
    "shards": Format(is_shards, read_shards),
    "torch-export": Format(_zip_with("serialized_exported_program.json", "archive_format"), read_export),
    "torchscript": Format(_zip_with("constants.pkl"), read_torchscript),
    "torch-zip": Format(_zip_with("data.pkl"), read_torch),
    "torchscript-old": Format(_zip_with(MODEL), read_before_1_4),
    "torch-legacy": Format(lambda seen: seen.start.startswith(LEGACY_MAGIC), read_torch),
    "safetensors": Format(_is_safetensors, read_safetensors),
    "onnx": Format(lambda seen: is_onnx(seen.start), read_onnx),
}
"""Name -> format, or ``package.module:name`` of one; the first that recognises a file reads it."""

BUILT_IN = frozenset(FORMATS)
"""Names of the formats that are read here; what reads any other is code of the user's."""
