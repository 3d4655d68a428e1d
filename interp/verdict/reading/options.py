"""How much is read of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag

MOST_COPIES = 100_000


@dataclass(frozen=True)
class ReadingOptions:
    """How much is read of a network.

    Attributes
    ----------
    samples
        Largest number of samples, drawn at random.
    images
        Largest number of samples where a layer has several positions, as a convolution has.
    read_copies
        Number of copies of each kind, with shuffled weights and freshly initialised; None: 100 a layer less one, so
        that the smallest p-value is 0.02 after Holm's correction.
    work
        Largest number of multiplications with addition that may be spent; 0 for any.
    seed
        Seed of the random number generator.
    """

    samples: int = 400
    images: int = 200
    read_copies: Annotated[int | None, Flag(low=2, high=MOST_COPIES, default="100 a layer less one")] = None
    work: int = 10**12
    seed: int = 0
