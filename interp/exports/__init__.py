"""Names of a room that are imported when they are first used: whoever only asks for help must not wait for torch."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["on_first_use"]


def on_first_use(room: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Give the ``__getattr__`` of a room that imports names when they are first used (PEP 562).

    The room assigns it where type checkers do not look, beside the same imports under ``TYPE_CHECKING``, so that they
    see real types and find wrong names.

    Parameters
    ----------
    room
        Name of the room's module.
    homes
        Name of a module -> names that the room takes from it.

    Examples
    --------
    >>> lookup = on_first_use("interp.example", {"math": ("pi", "tau")})
    >>> round(lookup("tau"), 3)
    6.283
    >>> lookup("e")
    Traceback (most recent call last):
    AttributeError: module 'interp.example' has no attribute 'e'
    """

    def lookup(name: str) -> Any:
        import importlib

        for home, names in homes.items():
            if name in names:
                return getattr(importlib.import_module(home), name)
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    return lookup
