"""Networks of one setting each, changed in one thing from the usual, for ``benchmarks/power.py``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from interp.verdict.reading.noise import NoiseOptions
from interp.verdict.reading.profile import ProfileOptions
from planting.work import known, line, read
from zoo.planted.data.mixtures import MixtureSetup, gaussian_mixture
from zoo.planted.families import Wish, plant

FIRST = 50_000
"""First seed: of none from here on was any rule fixed."""

DEALT = (
    *("l1-mahalanobis", "relu-pairs", "kmeans-centres", "negative-read-out", "clamped-above"),
    *("templates", "positive-read-out", "clamped-below") * 2,
    "untrained",
)
"""Families of one repeat of a setting."""


@dataclass(frozen=True)
class Setting:
    """What a network is made and read with.

    Attributes
    ----------
    samples
        Number of samples that it is read on.
    width
        Number of nodes of each hidden layer.
    depth
        Number of hidden layers.
    noise
        Standard deviation of the noise that is put on outputs, in standard deviations of the node.
    separation
        Distance of neighbouring classes, in standard deviations.
    classes
        Number of classes.
    """

    samples: int = 400
    width: int = 48
    depth: int = 1
    noise: float = 1.0
    separation: float = 6.0
    classes: int = 6

    def at(self, axis: str, value: float) -> Setting:
        """Change one thing."""
        return replace(self, **{axis: type(getattr(self, axis))(value)})

    def __str__(self) -> str:
        """Name it by its values."""
        return "-".join(f"{value:g}" for value in vars(self).values())


BASE = Setting()

AXES: dict[str, tuple[float, ...]] = {
    "samples": (40, 100, 200, 400, 1000),
    "width": (4, 8, 16, 48, 128),
    "depth": (1, 2, 3),
    "noise": (0.1, 0.3, 1, 3, 10),
    "separation": (2, 3, 4, 6, 10),
    "classes": (3, 6, 10, 20),
}
"""What is changed -> to which values."""


@dataclass(frozen=True)
class Job:
    """One network to make and read."""

    setting: Setting
    family: str
    seed: int

    @property
    def key(self) -> str:
        """Name in the file of results."""
        return f"{self.setting}:{self.family}:{self.seed}"


def jobs_of(repeats: int) -> list[Job]:
    """List the networks, repeat after repeat, so that an unfinished run holds some of every setting.

    Examples
    --------
    >>> len({job.key for job in jobs_of(2)}) == len(jobs_of(2))
    True
    """
    settings = list(dict.fromkeys(BASE.at(axis, value) for axis, values in AXES.items() for value in values))
    return [
        Job(setting, family, FIRST + (repeat * len(DEALT) + number) * len(settings) + place)
        for repeat in range(repeats)
        for place, setting in enumerate(settings)
        for number, family in enumerate(DEALT)
    ]


def work(job: Job) -> dict[str, Any]:
    """Make a network and read it; one that hardly decides is said to be weak, and not read."""
    torch.set_num_threads(1)
    setting = job.setting
    shape = MixtureSetup(classes=setting.classes, separation=setting.separation)
    wish = Wish(gaussian_mixture(shape, job.seed), (setting.width,) * setting.depth)
    made = plant(job.family, job.seed, wish)
    weak = job.family != "untrained" and not known(made)
    options = ProfileOptions(NoiseOptions(size=setting.noise, ends_only=True))
    layers = {} if weak else read(made, options, setting.samples)
    return {
        "key": job.key,
        "family": job.family,
        "weak": weak,
        "setup": {"setting": str(setting), "accuracy": made.setup["accuracy"]},
        "layers": {name: line(made, name, layer) for name, layer in layers.items()},
    }
