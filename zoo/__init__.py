"""The networks of three papers on distances in neural networks, and how they were trained."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; here nothing is imported that an early Ctrl-C could meet

if TYPE_CHECKING:
    from zoo.architectures import ARCHITECTURES, build, describe
    from zoo.layers import Abs, Neg, OffsetL2
    from zoo.recipes import Attack, Recipe, default_recipe

__all__ = ["ARCHITECTURES", "Abs", "Attack", "Neg", "OffsetL2", "Recipe", "build", "default_recipe", "describe"]

_HOMES = {
    "zoo.architectures": ("ARCHITECTURES", "build", "describe"),
    "zoo.layers": ("Abs", "Neg", "OffsetL2"),
    "zoo.recipes": ("Attack", "Recipe", "default_recipe"),
}

if not TYPE_CHECKING:  # a program imports this before it can answer to Ctrl-C
    __getattr__ = on_first_use(__name__, _HOMES)
