"""What a user may say of a model that its file does not."""

from __future__ import annotations

from dataclasses import dataclass

from interp.checkpoints.inference.readings import OUTPUTS
from interp.errors import unknown_name
from interp.network.activations import ACTIVATIONS
from interp.tasks.tasks import TASKS


@dataclass(frozen=True)
class LoadOptions:
    """What the user says of a model; None where it is to be inferred.

    Attributes
    ----------
    model
        ``package.module:callable`` that returns the module the weights belong to.
    scaling
        As `interp.data.parse_scaling` reads it.
    activation
        A name of `interp.network.activations.ACTIVATIONS`.
    output
        ``linear``, ``activation`` or ``negated-activation``.
    task
        A name of `interp.tasks.tasks.TASKS`.
    allow_pickle
        Let the file run code.
    weights
        File with the weights of an architecture given by name; None to draw them at random.
    seed
        Of that draw.
    logits
        Which of several outputs holds the scores: a key, attribute or position, with dots between.
    """

    model: str | None = None
    scaling: str | None = None
    activation: str | None = None
    output: str | None = None
    allow_pickle: bool = False
    task: str | None = None
    weights: str | None = None
    seed: int = 0
    logits: str | None = None


def check_options(options: LoadOptions) -> None:
    """Raise `UsageError` for a name the user gave that is none, with the close ones."""
    known = {
        "--activation": (options.activation, ACTIVATIONS),
        "--output": (options.output, OUTPUTS),
        "--task": (options.task, TASKS),
    }
    for option, (name, names) in known.items():
        if name is not None and name not in names:
            raise unknown_name(option, name, names)
