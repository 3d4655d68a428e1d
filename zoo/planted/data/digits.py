"""scikit-learn's 1,797 handwritten digits: real data that come with a package."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits

from zoo.planted.data.samples import Labelled, PlantedData

TRAIN, TEST = 900, 600


def digits(seed: int, images: bool = False) -> PlantedData:
    """Split the digits at random into 900 to train on, 600 to test and 297 held back.

    Parameters
    ----------
    seed
        Seed of the random number generator that splits.
    images
        Whether inputs are (1, 8, 8) images rather than (64,) vectors.

    Examples
    --------
    >>> [len(part[1]) for part in (digits(0).train, digits(0).test, digits(0).fresh(1000, 0))]
    [900, 600, 297]
    """
    inputs, labels = load_digits(return_X_y=True)
    x = torch.tensor(inputs / 16, dtype=torch.float32)
    x, y = (x.view(-1, 1, 8, 8) if images else x), torch.tensor(labels)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    train, test, kept = order[:TRAIN], order[TRAIN : TRAIN + TEST], order[TRAIN + TEST :]

    def fresh(count: int, other: int) -> Labelled:
        some = kept[torch.randperm(len(kept), generator=torch.Generator().manual_seed(other))[:count]]
        return x[some], y[some]

    rows = x[train].flatten(1), y[train]
    return PlantedData((x[train], y[train]), (x[test], y[test]), fresh, 10, rows, {"data": "digits", "dimension": 64})
