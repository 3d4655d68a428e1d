"""The trainings that several papers share."""

from zoo.papers.trainings.full_batch import DISTANCES, EPOCHS, LONG, VARIANTS, full_batch
from zoo.papers.trainings.mini_batch import mini_batch

__all__ = ["DISTANCES", "EPOCHS", "LONG", "VARIANTS", "full_batch", "mini_batch"]
