"""The manifest of a recording in several files: which they are, what each holds, and its digest.

It is JSON beside the place where a recording of one file would be, written whole or not at all, once all files are
whole. Names of files follow from the manifest's own, so that none of them leads elsewhere.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from interp.errors import MismatchError
from interp.store.atomic import write_text
from interp.store.checks.heaps import reading
from interp.store.checks.sound import SEAL
from interp.store.recordings import REMEDY

FORMAT, VERSION = "interp-shards", 1

LARGEST = 50_000_000
"""Largest number of bytes of a manifest that is read."""


@dataclass(frozen=True)
class Shard:
    """One file of a recording in several.

    Attributes
    ----------
    name
        Name of the file, in the folder of the manifest.
    bytes
        Size of the file in bytes.
    digest
        SHA-256 over all of the file but the recorded values, whose checksums it covers; in hexadecimal.
    rows
        Name of a split -> index of the first of its samples that the file holds, and of the one behind the last.
    """

    name: str
    bytes: int
    digest: str
    rows: Mapping[str, tuple[int, int]]


def manifest_path(path: Path) -> Path:
    """Give the name of the manifest of a recording.

    Parameters
    ----------
    path
        Path that a recording of one file would have.

    Examples
    --------
    >>> manifest_path(Path("run/activations.h5")).name
    'activations.json'
    """
    return path.with_suffix(".json")


def shard_path(path: Path, rank: int, size: int) -> Path:
    """Give the name of one rank's file of a recording.

    Parameters
    ----------
    path
        Path that a recording of one file would have.
    rank
        Number of the rank, from 0.
    size
        Number of ranks.

    Examples
    --------
    >>> shard_path(Path("run/activations.h5"), 0, 2).name
    'activations.0-of-2.h5'
    """
    return path.with_name(f"{path.stem}.{rank}-of-{size}{path.suffix}")


def shard_files(path: Path) -> list[Path]:
    """List the files of all ranks of a recording, whole or begun, of whatever number of ranks; without the manifest.

    Parameters
    ----------
    path
        Path that a recording of one file would have.
    """
    name = f"{glob.escape(path.stem)}.*-of-*{path.suffix}"
    forms = (name, f".{name}.partial", f".{name}.packed.partial")
    return sorted(file for form in forms for file in path.parent.glob(form))


def remove_shards(path: Path) -> None:
    """Remove the files of all ranks of a recording, and their manifest.

    Parameters
    ----------
    path
        Path that a recording of one file would have.
    """
    where = manifest_path(path)
    with suppress(OSError, KeyError, TypeError, ValueError, RecursionError):
        if where.stat().st_size <= LARGEST and json.loads(where.read_bytes())["format"] == FORMAT:
            where.unlink()
    for file in shard_files(path):
        file.unlink(missing_ok=True)


def described(path: Path, rows: Mapping[str, tuple[int, int]]) -> Shard:
    """Say what a rank's file holds, once it is whole.

    Parameters
    ----------
    path
        Path of the file.
    rows
        Name of a split -> first sample of the file, and the one behind the last.
    """
    return Shard(path.name, path.stat().st_size, _digest(path), dict(rows))


def _digest(path: Path) -> str:
    with reading(path) as file:
        return bytes(file.attrs[SEAL]).decode()


def write_manifest(path: Path, shards: Sequence[Shard], versions: Mapping[str, str]) -> None:
    """Write the manifest of a recording whose files are whole.

    Parameters
    ----------
    path
        Path that a recording of one file would have.
    shards
        Files that hold samples, in the order of the ranks.
    versions
        Name of a package -> its version.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "versions": dict(versions),
        "files": [asdict(one) for one in shards],
    }
    write_text(manifest_path(path), json.dumps(content, indent=1))


def read_manifest(path: Path) -> tuple[Shard, ...]:
    """Read which files a recording is in, and see that each is there, of its size and with its digest.

    Parameters
    ----------
    path
        Path that a recording of one file would have.

    Raises
    ------
    MismatchError
        If the manifest is damaged or of a newer version, or a file is missing, truncated, or another than it names.
    """
    where = manifest_path(path)
    try:
        if where.stat().st_size > LARGEST:
            raise ValueError("too large")
        content = json.loads(where.read_bytes())
        found = (content["format"], content["version"])
        shards = tuple(_shard(entry) for entry in content["files"]) if found == (FORMAT, VERSION) else ()
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _mismatch(where, "a damaged manifest", "one of the files of a recording") from error
    if not shards:
        is_newer = found[0] == FORMAT and isinstance(found[1], int) and found[1] > VERSION
        update = "update interp, or " if is_newer else ""
        raise _mismatch(where, f"{found[0]} of version {found[1]}", f"{FORMAT} of version {VERSION}", update)
    _check_names(path, shards)
    _check_rows(where, shards)
    for shard in shards:
        _check_file(path.with_name(shard.name), shard)
    return shards


def _shard(entry: Any) -> Shard:
    """Give an entry of a manifest; raises where it is none."""
    name, size, digest, rows = (entry[key] for key in ("name", "bytes", "digest", "rows"))
    kinds = (type(name), type(size), type(digest), type(rows))
    if kinds != (str, int, str, dict) or any(type(end) is not int for ends in rows.values() for end in ends):
        raise ValueError("an entry of other types")
    return Shard(name, size, digest, {split: (first, last) for split, (first, last) in rows.items()})


def _check_names(path: Path, shards: Sequence[Shard]) -> None:
    """Refuse names that are not those of the ranks' files, each of one size, in order, and with the last one's.

    A rank without samples has no file, and the last one always has some: without its file samples would be missing.
    """
    words = [shard.name.removeprefix(f"{path.stem}.").removesuffix(path.suffix).split("-of-") for shard in shards]
    ranks = [(int(word[0]), int(word[1])) for word in words if len(word) == 2 and all(map(_is_number, word))]
    names = [shard_path(path, rank, size).name for rank, size in ranks]
    where, found = manifest_path(path), f"files {', '.join(shard.name for shard in shards)}"
    is_named = names == [shard.name for shard in shards]
    if not is_named or len({size for _, size in ranks}) != 1 or ranks != sorted(set(ranks)):
        raise _mismatch(where, found, "those of ranks")
    last, size = ranks[-1]
    if last != size - 1:
        raise _mismatch(where, found, f"{shard_path(path, size - 1, size).name} too")


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 9


def _check_rows(where: Path, shards: Sequence[Shard]) -> None:
    """Refuse files whose samples do not follow on each other."""
    behind: dict[str, int] = {}
    for shard in shards:
        for split, (first, last) in shard.rows.items():
            if first != behind.get(split, 0) or last <= first:
                found = f"samples {first:,} to {last:,} of {split} in {shard.name}"
                raise _mismatch(where, found, f"those from {behind.get(split, 0):,} on")
            behind[split] = last


def _check_file(path: Path, shard: Shard) -> None:
    """Refuse a file that is not the one that a manifest names."""
    expected = "the file that its manifest names"
    if not path.is_file():
        raise _mismatch(path, "no such file", expected)
    if (size := path.stat().st_size) != shard.bytes:
        raise _mismatch(path, f"a file of {size:,} bytes", f"{expected}, of {shard.bytes:,}")
    try:
        digest = _digest(path)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise _mismatch(path, "a damaged or foreign file", expected) from error
    if digest != shard.digest:
        raise _mismatch(path, f"a file of digest {digest[:12]}", f"{expected}, of {shard.digest[:12]}")


def _mismatch(path: Path, found: str, expected: str, update: str = "") -> MismatchError:
    return MismatchError(path, found=found, expected=expected, do=f"{update}run `{REMEDY}`")
