"""How the networks are trained: many seeds at once, resumably."""

from zoo.training.epochs import Samples, prepare, run_epoch
from zoo.training.evaluate import logits, metrics, reopened, scaled
from zoo.training.initialise import INITS, bias_through, box_points, pytorch_default
from zoo.training.snapshots import Snapshots, snapshot_epochs, snapshot_path
from zoo.training.stacks import Stack, start
from zoo.training.train import TrainOptions, checkpoint_paths, train

__all__ = [
    "INITS",
    "Samples",
    "Snapshots",
    "Stack",
    "TrainOptions",
    "bias_through",
    "box_points",
    "checkpoint_paths",
    "logits",
    "metrics",
    "prepare",
    "pytorch_default",
    "reopened",
    "run_epoch",
    "scaled",
    "snapshot_epochs",
    "snapshot_path",
    "start",
    "train",
]
