"""What a network is asked for: its score, its loss, its chance level and the words for them.

A task is one `Task` value; `TASKS` holds them by name. No module outside this room compares the name of a task: it
reads a property of the value, or calls one of its functions. A user's own is given as ``package.module:name``.
"""

from interp.tasks.classes import ACCURACY, BINARY, CLASSIFICATION
from interp.tasks.infer import data_for, infer_task
from interp.tasks.predictions import NO_PREDICTION, PROBABILITIES, losses, predict
from interp.tasks.several_labels import EXACT_MATCH, MULTI_LABEL
from interp.tasks.simple import simple_model
from interp.tasks.task import Score, Scorer, Task
from interp.tasks.tasks import ASSUMED, TASKS, find_task
from interp.tasks.values import AUTOENCODER, R2, REGRESSION

__all__ = [
    "ACCURACY",
    "ASSUMED",
    "AUTOENCODER",
    "BINARY",
    "CLASSIFICATION",
    "EXACT_MATCH",
    "MULTI_LABEL",
    "NO_PREDICTION",
    "PROBABILITIES",
    "R2",
    "REGRESSION",
    "TASKS",
    "Score",
    "Scorer",
    "Task",
    "data_for",
    "find_task",
    "infer_task",
    "losses",
    "predict",
    "simple_model",
]
