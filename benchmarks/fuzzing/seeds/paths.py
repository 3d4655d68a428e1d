"""What a path can lead to besides a file that can be read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def _loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def _dangling(path: Path) -> Path:
    path.symlink_to(path.with_name("nothing"))
    return path


def _link_to_pipe(path: Path) -> Path:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))
    return path


def _unreadable(path: Path) -> Path:
    """Write a file that its owner may not read; root may, and finds a text file."""
    path.write_text("closed")
    path.chmod(0)
    return path


def _sparse(first: bytes) -> Callable[[Path], Path]:
    """Write a file of 1 TB of nothing, which takes no room on a disk, after some first bytes."""

    def write(path: Path) -> Path:
        with path.open("wb") as file:
            file.write(first)
            file.truncate(2**40)
        return path

    return write


PATHS: dict[str, Callable[[Path], Path]] = {
    "folder": _folder,
    "pipe": _pipe,
    "socket": _socket,
    "link to itself": _loop,
    "link to nothing": _dangling,
    "link to a pipe": _link_to_pipe,
    "file closed to its owner": _unreadable,
    "nothing": lambda path: path,
    "below a device": lambda path: Path("/dev/null/x"),
    "/dev/null": lambda path: Path("/dev/null"),
    "/dev/zero": lambda path: Path("/dev/zero"),
    "/dev/urandom": lambda path: Path("/dev/urandom"),
    "1 TB of zip": _sparse(b"PK\x03\x04"),
    "1 TB of safetensors": _sparse((2**40 - 8).to_bytes(8, "little") + b"{"),  # a header of all of it
    "1 TB of ONNX": _sparse(b"\x08\x08\x12\x07pytorch"),
    "null byte in the name": lambda path: path.with_name("a\0b"),
    "line end in the name": lambda path: path.with_name("a\nerror: b"),
    "lone surrogate in the name": lambda path: path.with_name("a\udcffb"),
    "name too long": lambda path: path.with_name("x" * 5000),
}
"""Name -> a function that makes it at a path, and gives the path to open."""
