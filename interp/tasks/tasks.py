"""The tasks that are known, by name."""

from __future__ import annotations

from interp.errors import UsageError
from interp.safety import look_up
from interp.tasks.classes import BINARY, CLASSIFICATION
from interp.tasks.several_labels import MULTI_LABEL
from interp.tasks.task import Task
from interp.tasks.values import AUTOENCODER, REGRESSION

TASKS: dict[str, Task] = {task.name: task for task in (AUTOENCODER, BINARY, CLASSIFICATION, MULTI_LABEL, REGRESSION)}
"""Name -> task; where several recognise a data set, the first is taken."""

ASSUMED = CLASSIFICATION
"""Task that is assumed where nothing is known of a network's data."""


def find_task(name: str, where: str = "--task") -> Task:
    """Find a task by its name, or a user's own as ``package.module:name``.

    Parameters
    ----------
    name
        Key of `TASKS`, or name of a `Task` to import.
    where
        Option that named it, for the error.

    Returns
    -------
    Task
        Task of that name.

    Raises
    ------
    UsageError
        If there is no such task.

    Examples
    --------
    >>> find_task("regression").described(0.8125)
    'R² 0.8125'
    """
    found = look_up(name, TASKS, where)
    if not isinstance(found, Task):
        raise UsageError(
            f"{where} {name}",
            found=type(found).__name__,
            expected="an interp.tasks.Task",
            do="see `replace(interp.tasks.REGRESSION, ...)`",
        )
    return found
