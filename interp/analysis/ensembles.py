"""Errors of several networks together, as table 5 of *Neural Networks as Nearest Neighbors* counts them."""

from __future__ import annotations

from interp.types import Array


def ensemble_errors(predictions: Array, labels: Array, squares: Array | None = None) -> dict[str, int]:
    """Count the samples that several networks get wrong, in four ways.

    Parameters
    ----------
    predictions
        Class that each network predicts for each sample (J, S).
    labels
        Right classes (S,).
    squares
        Sum over the networks of their squared outputs (S, C), where outputs are distances; else None.

    Returns
    -------
    dict of int
        Number of samples: ``unique``, wrong in at least one network; ``consistent``, in all; ``voting``, in half or
        more; and, where outputs are distances, ``l2``, of which another class has the smallest norm of outputs.

    Examples
    --------
    >>> import numpy as np
    >>> predictions = np.array([[0, 1, 1], [0, 0, 1]])
    >>> ensemble_errors(predictions, np.array([0, 1, 0]))
    {'unique': 2, 'consistent': 1, 'voting': 2}
    """
    wrong = (predictions != labels).sum(axis=0)
    networks = len(predictions)
    found = {
        "unique": int((wrong >= 1).sum()),
        "consistent": int((wrong == networks).sum()),
        "voting": int((2 * wrong >= networks).sum()),
    }
    return found if squares is None else found | {"l2": int((squares.argmin(axis=1) != labels).sum())}
