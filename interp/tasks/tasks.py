"""What a network is asked for, what its score is called, and what its outputs are compared with."""

from __future__ import annotations

from typing import NamedTuple

from interp.types import Array, Split


class ScoreName(NamedTuple):
    """What a score is called: in tables and JSON, and in sentences."""

    key: str
    words: str

    @property
    def point(self) -> str:
        """Say how much 0.01 of it is."""
        return "0.01" if self.key == "r2" else "one point"

    def shown(self, value: float) -> str:
        """Print a score: R² as a number, others as a percentage."""
        return f"{value:.4f}" if self.key == "r2" else f"{value:.2%}"


ACCURACY, EXACT, R2 = (
    ScoreName("accuracy", "accuracy"),
    ScoreName("exact_match", "exact-match accuracy"),
    ScoreName("r2", "R²"),
)

TASKS: dict[str, ScoreName] = {
    "classification": ACCURACY,
    "binary": ACCURACY,
    "multi-label": EXACT,
    "regression": R2,
    "autoencoder": R2,
}
"""Task -> its score. Several labels are right if all of them are (subset accuracy, as scikit-learn scores them)."""

COUNTED = ("classification", "binary")
"""Tasks whose answer is one class index."""


def answers(task: str, split: Split) -> Array | None:
    """Give what outputs are compared with, one row a sample: labels (S,), targets (S, T) or inputs; None if unknown."""
    if task == "autoencoder":
        return split.inputs
    return split.labels if task in COUNTED else split.targets


def described(task: str, value: float) -> str:
    """Say a score in words.

    Examples
    --------
    >>> described("binary", 0.9438), described("regression", 0.8125)
    ('94.38% right', 'R² 0.8125')
    """
    name = TASKS[task]
    if name == R2:
        return f"R² {name.shown(value)}"
    return f"{name.shown(value)} right" + (" in every label" if task == "multi-label" else "")
