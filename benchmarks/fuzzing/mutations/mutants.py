"""Mutants by number: the same seed and number give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from fuzzing.mutations.archives import ARCHIVES
from fuzzing.mutations.arrow_tables import ARROW_TABLES
from fuzzing.mutations.hdf5 import ATTRIBUTES, HDF5, METADATA, SEALED
from fuzzing.mutations.headers import HEADERS
from fuzzing.mutations.images import IMAGES
from fuzzing.mutations.manifests import MANIFESTS
from fuzzing.mutations.onnx_attributes import ONNX_ATTRIBUTES
from fuzzing.mutations.page_values import PAGE_VALUES
from fuzzing.mutations.pickles import PICKLES
from fuzzing.mutations.plain_bytes import PLAIN, Mutator
from fuzzing.mutations.tables import TABLES
from fuzzing.seeds.checkpoints import FORMATS, Seed, kind_of, make_seed

MUTATORS: dict[str, Mutator] = {**PLAIN, **ARCHIVES, **PICKLES, **HEADERS, **ONNX_ATTRIBUTES}
"""Name -> (content, generator) -> what was damaged, or None where it does not apply; to add one, write a line."""

OF_KIND: dict[str, dict[str, Mutator]] = {
    "checkpoint": MUTATORS,
    "member": MUTATORS,
    "foreign": {**MUTATORS, **HDF5},
    "data": {**MUTATORS, **TABLES, **IMAGES, **ARROW_TABLES},
    "run": {**PLAIN, **HDF5},
    "again": {**PLAIN, **HDF5, **HEADERS, **PAGE_VALUES},
    "recording": {**PLAIN, **HDF5, **MANIFESTS},
    "begun": {**PLAIN, **HDF5},
    "part": {**PLAIN, **HDF5},
    "page": {**PLAIN, **HEADERS, **PAGE_VALUES},
    "baseline": {**PLAIN, **HEADERS, **PAGE_VALUES},
}
"""Kind of opener -> what is done to the files that it opens."""

OFTEN = (
    "pickle runs code",
    "pickle bomb",
    *TABLES,
    *IMAGES,
    *ARROW_TABLES,
    *ONNX_ATTRIBUTES,
    *ATTRIBUTES,
    *METADATA,
    *PAGE_VALUES,
    "JSON in an archive",
)
"""Tried as often as all others that apply together would be, since each stands for dozens."""


@dataclass(frozen=True)
class Mutant:
    """One damaged checkpoint and how it came about.

    Attributes
    ----------
    number
        Number of the mutant; with the run's seed it gives the mutant anew.
    mutators
        Names of the mutators, in the order in which they were applied.
    """

    number: int
    format: str
    mutators: tuple[str, ...]
    checkpoint: Seed

    @property
    def is_sealed_again(self) -> bool:
        """Whether the damage may have been given a digest of its own, so that no reader can tell it."""
        return any(name.endswith(SEALED) for name in self.mutators)


def make_mutant(
    seed: int, number: int, formats: tuple[str, ...] = tuple(FORMATS), damage: tuple[str, ...] = ()
) -> Mutant:
    """Damage one of the formats, taken in turn, in one way, or at times in two; where told, only in ways of a name."""
    rng = Random(f"{seed}-{number}")
    format = formats[number % len(formats)]
    mutant = Mutant(number, format, (), make_seed(format))
    for _ in range(rng.choice((1, 1, 1, 2))):
        mutant = _mutated(mutant, rng, damage)
    return mutant


def _mutated(mutant: Mutant, rng: Random, damage: tuple[str, ...]) -> Mutant:
    """Damage one of the files with the first mutator, in a random order, that applies to it."""
    files = mutant.checkpoint.files
    own = [name for name in files if name not in mutant.checkpoint.spared]
    name = rng.choice([name for name in own if files[name]] or own)
    known = OF_KIND[kind_of(mutant.format)]
    known = {name: known[name] for name in known if not damage or name.removesuffix(SEALED) in damage}
    order = [*known, *(name for name in OFTEN * 8 if name in known)]
    rng.shuffle(order)
    if not files[name]:
        return mutant
    for mutator in order:
        content = _damaged(known[mutator], files[name], rng)
        if content is not None:
            changed = replace(mutant.checkpoint, files={**files, name: content})
            return replace(mutant, mutators=(*mutant.mutators, mutator), checkpoint=changed)
    return mutant


def _damaged(mutator: Mutator, content: bytes, rng: Random) -> bytes | None:
    try:
        return mutator(content, rng)
    except Exception:  # a file damaged before need not have what a second mutator looks for
        return None
