"""Observation of a process while it reads a file: code, memory, output."""

from __future__ import annotations

import os
import re
import resource
import sys
import sysconfig
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

FORBIDDEN = re.compile(
    r"os\.(system|exec|posix_spawn|spawn|fork|forkpty|startfile|chmod|chown|link|symlink)$"
    r"|subprocess\.|socket\.|pickle\.find_class|shutil\.|ctypes\.dlopen|urllib\.|ftplib\.|pty\."
)
"""Audit events that no reading of weights gives rise to; those of imports are judged by what is imported."""

OF_FILES = {"os.mkdir": 1, "os.rmdir": 1, "os.remove": 1, "os.rename": 2, "os.truncate": 1}
"""Audit events of changes to files -> the number of their paths."""

WRITING = re.compile("[wax+]")


class Watch:
    """Collects suspicious audit events of this process from its making on; there is no way to take it off.

    Attributes
    ----------
    events
        Descriptions of the events, one text each; the reader may clear the list.
    folder
        Folder in which files may be written, renamed and removed; None for none.
    """

    events: list[str]
    folder: Path | None

    def __init__(self) -> None:
        self.events, self.folder = [], None
        self._trusted = tuple({*sysconfig.get_paths().values(), str(Path(__file__).parents[3]), "<frozen"})
        self._known = {*sys.stdlib_module_names, *(name.partition(".")[0] for name in sys.modules)}
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import":
            suspicious = arguments[0].partition(".")[0] not in self._known
        elif event == "exec":
            suspicious = not self._is_ours(arguments[0])
        elif event == "open":
            is_written = isinstance(arguments[1], str) and bool(WRITING.search(arguments[1]))
            suspicious = is_written and not self._is_allowed(arguments[:1])
        elif event in OF_FILES:
            suspicious = not self._is_allowed(arguments[: OF_FILES[event]])
        elif event == "ctypes.dlopen":  # scikit-learn counts the threads of the libraries that it came with
            suspicious = not str(arguments[0]).startswith(self._trusted)
        else:
            suspicious = bool(FORBIDDEN.match(event))
        if suspicious:
            self.events.append(f"{event} {str(arguments[0])[:200]!r}")

    def _is_allowed(self, paths: Sequence[Any]) -> bool:
        """Whether all of some paths lead into the folder that may be written."""
        return self.folder is not None and all(
            isinstance(path, (str, os.PathLike)) and Path(path).resolve().is_relative_to(self.folder.resolve())
            for path in paths
        )

    def _is_ours(self, code: Any) -> bool:
        """Whether code comes from an installed package, or is made up by an import or of a class's annotations."""
        if not isinstance(code, CodeType):
            return False
        return code.co_filename.startswith(self._trusted) or (code.co_filename == "<string>" and _is_made_up())


MAKERS = ("<frozen importlib._bootstrap>", typing.__file__)
"""Files whose code runs text: of modules that are imported, and of annotations, which `typing` evaluates."""


def _is_made_up() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename in MAKERS:
            return True
        frame = frame.f_back
    return False


def memory() -> dict[str, int]:
    """Give this process's memory in bytes: ``VmSize`` asked for, ``VmRSS`` in use, ``VmHWM`` the most in use."""
    found = re.findall(r"^(Vm\w+):\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return {name: int(size) * 1024 for name, size in found}


def forget_peak() -> int:
    """Begin to measure the most memory in use anew, and give what is in use now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory()["VmRSS"]


def limit_memory(more: int) -> None:
    """Let this process ask for no more than so many bytes beyond what it has."""
    limit = memory()["VmSize"] + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@contextmanager
def stderr_in(path: Path) -> Iterator[None]:
    """Send this process's error output to a new file, from C too."""
    kept = os.dup(2)
    with path.open("wb") as file:
        sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
