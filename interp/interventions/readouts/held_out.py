"""Samples that single nodes are tested on, and samples that only choose which of them to look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interp.types import Split


def node_splits(splits: Mapping[str, Split], seed: int) -> dict[str, Split]:
    """Give what single nodes are silenced on: what tests them first, then what was fitted to.

    A node of a network that has learned its training samples by heart matters on these, whatever it matters elsewhere:
    with labels of pure noise all nodes do. Without a test split a random half of the training split tests, whose name
    says so with the seed; it shows no more than what holds over samples that the network knows.

    Parameters
    ----------
    splits
        Splits by name; ``test`` need not be there.
    seed
        Seed of the random number generator that draws the half.

    Returns
    -------
    dict
        Name -> split; one alone where there is only one sample.
    """
    train = splits["train"]
    if "test" in splits:
        return {"test": splits["test"], "train": train}
    if len(train) < 2:
        return {"train": train}
    order = np.random.default_rng([seed, 2]).permutation(len(train))
    tested, other = np.sort(order[: len(train) // 2]), np.sort(order[len(train) // 2 :])
    return {f"train, tested half (seed {seed})": train.take(tested), "train, other half": train.take(other)}
