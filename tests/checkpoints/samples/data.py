"""Data that scikit-learn brings with it, as the sample checkpoints were trained on them."""

from functools import cache

import numpy as np
from sklearn import datasets

from interp.data import load_dataset
from interp.types import Dataset

PICTURES = ("digits", "circles and halves", "themselves")
TABLES = {"breast cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes, "wine": datasets.load_wine}
NAMES = (*PICTURES, *TABLES)


@cache
def data_named(name: str) -> Dataset:
    """Give a data set of `NAMES`: training samples, and a held-out fifth."""
    if name == "digits":
        return load_dataset("digits")
    return load_dataset(_pictures(name) if name in PICTURES else _table(name))


def _pictures(name: str) -> dict[str, np.ndarray]:
    """Digits with other answers: three yes or no questions about each, or no labels at all."""
    arrays = {}
    for part, split in data_named("digits").splits.items():
        arrays[f"x_{part}"] = split.inputs
        if name == "circles and halves":
            arrays[f"y_{part}"] = asked(split.labels)
    return arrays


def asked(digits: np.ndarray) -> np.ndarray:
    """Say of each digit whether a circle is in it, whether it is of the upper half, and whether it is even."""
    return np.stack([np.isin(digits, [0, 6, 8, 9]), digits >= 5, digits % 2 == 0], axis=1).astype(np.uint8)


def _table(name: str) -> dict[str, np.ndarray]:
    found = TABLES[name]()
    order = np.random.default_rng(0).permutation(len(found.data))
    parts = {"train": order[len(order) // 5 :], "test": order[: len(order) // 5]}
    answers = found.target / 100 if name == "diabetes" else found.target  # measured, though written as whole numbers
    columns = {"x": found.data.astype(np.float32), "y": answers}
    return {f"{key}_{part}": values[rows] for part, rows in parts.items() for key, values in columns.items()}
