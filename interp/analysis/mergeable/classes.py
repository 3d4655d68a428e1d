"""Moments of the rows of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from interp.analysis.moments import Moments
from interp.types import Array


@dataclass(frozen=True)
class ClassMoments:
    """Moments of each class.

    Attributes
    ----------
    of_class
        Class index, as text as files have it -> moments of its rows; without those that no row is of.
    """

    of_class: Mapping[str, Moments]

    @staticmethod
    def of(z: Array, labels: Array) -> ClassMoments:
        """Take the moments of the classes in one block.

        Parameters
        ----------
        z
            Values of the nodes (rows, N).
        labels
            Class of each row (rows,).
        """
        return ClassMoments({str(label): Moments.of(z[labels == label]) for label in np.unique(labels)})

    def merge(self, other: ClassMoments) -> ClassMoments:
        """Combine the moments of two sets of rows, class by class.

        Parameters
        ----------
        other
            Moments of the same nodes over other rows.
        """
        found = dict(self.of_class)
        for label, moments in other.of_class.items():
            found[label] = found[label].merge(moments) if label in found else moments
        return ClassMoments({label: found[label] for label in sorted(found, key=int)})
