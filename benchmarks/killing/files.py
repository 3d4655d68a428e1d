"""What must hold of the files of a run after a kill, and once the same command has come to its end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import h5py
from PIL import Image

from interp.errors import InterpError
from interp.run import STAGES
from interp.run.find import find_stage
from interp.store import check_recording, read_results

FREE = {
    "timings.json": "all of it, and whether it is there: seconds by the clock",
    "report.json": "`timings`, and the table that shows them: the seconds of each step, and whether it was run again",
    "report.html": "the same table",
}
"""File -> what of it differs from run to run, and is left out of the comparison."""

SHARD = re.compile(r"activations\.[0-9]+-of-[0-9]+\.h5")
"""Name of the file of one rank."""

TIMES = re.compile(rb"not run again(; [0-9.]+ s when it was)?|\b[0-9]+\.[0-9] s\b")


def broken(folder: Path) -> Iterator[str]:
    """Say what is wrong with each file that has its final name.

    Parameters
    ----------
    folder
        Folder of a run.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        try:
            _open(path)
        except (InterpError, OSError, ValueError, SyntaxError) as error:
            yield f"{path.name}: {error}"


def _open(path: Path) -> None:
    """Read all of a file, and hold it against its checksums."""
    if path.name == find_stage("record").file or SHARD.fullmatch(path.name):
        check_recording(path)
    elif path.suffix == ".h5":
        read_results(path, next(stage.result for stage in map(find_stage, STAGES) if stage.file == path.name), "")
    elif path.suffix == ".json":
        json.loads(path.read_bytes())
    elif path.suffix == ".html" and not path.read_text().rstrip().endswith("</html>"):
        raise ValueError("cut short")
    elif path.suffix == ".png":
        with Image.open(path) as picture:
            picture.load()


def lost(folder: Path, written: tuple[int, ...]) -> Iterator[str]:
    """Say which samples are not in a recording that was begun, though they were said to be.

    Parameters
    ----------
    folder
        Folder of a run.
    written
        Samples of each split that were said to be written.
    """
    part = folder / f".{find_stage('record').file}.partial"
    if not part.exists() or not written:
        return
    try:
        with h5py.File(part) as file:
            splits = [name for name in ("train", "test") if name in file]
            found = [int(file[name]["progress"][0]) for name in splits]
    except (OSError, KeyError, RuntimeError) as error:
        yield f"{part.name}: {' '.join(str(error).split())}"
        return
    for split, here, said in zip(splits, found, written, strict=False):
        if here < said:
            yield f"{split}: {said} samples were said to be written, {here} are there"


def differences(folder: Path, whole: Path) -> Iterator[str]:
    """Name the files of a run that are not those of another one, to the byte.

    Parameters
    ----------
    folder
        Folder of a run.
    whole
        Folder of the same run, never interrupted.
    """
    ours, theirs = _contents(folder), _contents(whole)
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            yield f"{name}: {'missing' if name in theirs else 'left over'}"
        elif ours[name] != theirs[name]:
            first = next((i for i, (a, b) in enumerate(zip(ours[name], theirs[name], strict=False)) if a != b), -1)
            yield f"{name}: other bytes, the first at {first:,} of {len(theirs[name]):,}"


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "timings.json"]
    return {str(path.relative_to(folder)): _lasting(path) for path in files}


def _lasting(path: Path) -> bytes:
    """Give a file's bytes less what `FREE` says."""
    content = path.read_bytes()
    if path.name == "report.json":
        found = {key: value for key, value in json.loads(content).items() if key != "timings"}
        content = json.dumps(found, ensure_ascii=False).encode()
    return TIMES.sub(b"", content) if path.name in FREE else content
