"""What a network is asked for: its score, its loss, its chance level and the words for them.

A task is one `Task` value; `TASKS` holds them by name. No module outside this room asks for a task's name: it asks the
value for a property, or calls one of its functions. A user's own is given as ``package.module:name``.
"""

from interp.tasks.classes import ACCURACY, BINARY, CLASSIFICATION
from interp.tasks.several_labels import EXACT_MATCH, MULTI_LABEL
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
    "R2",
    "REGRESSION",
    "TASKS",
    "Score",
    "Scorer",
    "Task",
    "find_task",
]
