"""What a user may say of a model that its file does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from torch import nn

from interp.checkpoints.inference.candidates.by_layer import spread
from interp.checkpoints.inference.candidates.outputs import STATED
from interp.checkpoints.inference.weighing.again.closer import WEIGHED_ROWS
from interp.errors import unknown_name
from interp.network.activations import ACTIVATIONS
from interp.tasks import find_task
from interp.types.annotations.flags import Flag, Meant

INFERRED = Flag(default="inferred")

Network = Annotated[
    str | Path | nn.Module,
    Meant("a torch module, the path of a checkpoint, or torchvision:NAME", do="give one; of a class, an instance"),
]
"""What a network is given as."""


@dataclass(frozen=True)
class LoadOptions:
    """Facts that the user states of a model; None where they are to be inferred.

    Attributes
    ----------
    model
        ``package.module:callable`` that returns the module the weights belong to.
    scaling
        Scaling of stored inputs: ``raw``, ``x/A``, ``(x/A-B)/C`` (B, C: numbers, or lists in
        brackets of one a channel) or ``(x-mean)/std``.
    activation
        Activation of hidden layers: ``relu``, ``abs``, ``tanh``, ...; or one for each, with commas between them.
    output
        Form of the last layer's output: ``linear``, ``activation``, ``negated-activation``, ``sigmoid``, ``softmax``,
        ``log-softmax``, ``tanh`` or ``relu``.
    task
        Task of the network: ``classification``, ``binary``, ``multi-label``, ``regression``, ``autoencoder``, or
        ``package.module:name`` of a `Task`.
    allow_pickle
        Whether the file may run code; only if you trust it.
    weights
        File with the weights of an architecture given by name, ``torchvision:NAME`` or ``timm:NAME``.
    seed
        Seed of weights that are drawn at random.
    format
        Format of the file, or ``package.module:name`` of a reader of your own.
    logits
        Output of a module that holds the logits: a key, attribute or position, with dots between.
    member
        Number (from 0) or name of one of several state dicts in the file.
    prefix
        Beginning of the names of the tensors to read, where a file holds several networks.
    fixed_point
        Number of binary digits behind the point of weights that are stored as whole numbers.
    label_order
        Output of label 0, of label 1, and so on, with commas between them; or ``given`` to leave labels as they are.
    heads
        Number of heads of the attention in a bare state dict.
    weighed_rows
        Largest number of training rows of which all are looked at where some do not tell the activation.
    only
        Names of the layers to look at, with commas between them; the others run, and nothing is recorded of them.
    """

    model: Annotated[str | None, Flag(default="the file tells")] = None
    scaling: Annotated[str | None, INFERRED] = None
    activation: Annotated[str | None, INFERRED] = None
    output: Annotated[str | None, INFERRED] = None
    allow_pickle: Annotated[bool, Flag()] = False
    task: Annotated[str | None, INFERRED] = None
    weights: Annotated[str | None, Flag(default="drawn at random")] = None
    seed: int = 0
    logits: Annotated[str | None, INFERRED] = None
    format: Annotated[str | None, Flag(default="told from the content")] = None
    member: Annotated[str | None, Flag(default="the one that looks most like the network's")] = None
    prefix: Annotated[str | None, Flag(default="all are read")] = None
    fixed_point: Annotated[int | None, Flag(low=0, high=62, default="weights are no whole numbers")] = None
    label_order: Annotated[str | None, Flag(default="as given, and put right where no doubt is left of another")] = None
    heads: Annotated[int | None, Flag(low=1, default="inferred")] = None
    weighed_rows: Annotated[int, Flag(low=1)] = WEIGHED_ROWS
    only: Annotated[str | None, Flag(default="all")] = None


def check_options(options: LoadOptions) -> None:
    """See that names which the user gave exist.

    Raises
    ------
    UsageError
        If one does not, with the close ones.
    """
    named = [] if options.activation is None else spread(options.activation, 1)
    said = [*(("--activation", name, tuple(ACTIVATIONS)) for name in named), ("--output", options.output, STATED)]
    for option, name, names in said:
        if name is not None and name not in names:
            raise unknown_name(option, name, names)
    if options.task is not None:
        find_task(options.task)
