"""What a loader raised -> whether samples could not be collated, and what went wrong in a worker of its own."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from torch.utils.data._utils import collate

WORKER = re.compile(r"Caught \w+ in DataLoader worker process \d+\.\s")
"""Beginning of the message that torch makes of an error in a worker of a loader, before the worker's own traceback."""

FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+), in ', re.MULTILINE)
"""Line of a traceback that names a place in the code."""


def is_of_collating(error: BaseException) -> bool:
    """Tell whether samples could not be put together to a batch, here or in a worker of a loader.

    Parameters
    ----------
    error
        Exception that a source of data raised.
    """
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return any(Path(name) == Path(str(collate.__file__)) for name in frames + [file for file, _ in _frames(error)])


def in_worker(error: BaseException) -> str:
    r"""Say in one line what went wrong in a worker of a loader, and in which line of which file; empty elsewhere.

    Parameters
    ----------
    error
        Exception that a loader raised.

    Examples
    --------
    >>> said = 'Original Traceback (most recent call last):\n  File "mine.py", line 3, in at\nValueError: torn'
    >>> in_worker(ValueError(f"Caught ValueError in DataLoader worker process 1.\n{said}\n"))
    'ValueError: torn (mine.py, line 3)'
    """
    if not (frames := _frames(error)):
        return ""
    *_, (file, line) = frames
    after = str(error).rpartition(f'  File "{file}", line {line}, in ')[2].splitlines()[1:]
    words = next((text for text in after if text and not text.startswith(" ")), type(error).__name__)
    return f"{words[:160]} ({Path(file).name}, line {line})"


def _frames(error: BaseException) -> list[tuple[str, str]]:
    """Give file and line of each place of the traceback that a worker's error brings in its message."""
    said = str(error)
    return [(found["file"], found["line"]) for found in FRAME.finditer(said)] if WORKER.match(said) else []
