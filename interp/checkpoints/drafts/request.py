"""What a network is to be made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interp.checkpoints.drafts.labels import in_label_order, labels_from_zero, labels_of_signs
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.inference.weighing.settled import Settled
from interp.checkpoints.options import LoadOptions
from interp.tasks import ASSUMED, data_for, infer_task
from interp.types import Dataset, Inference


@dataclass(frozen=True)
class Request:
    """Contents of a file beside what the user gave.

    Attributes
    ----------
    path
        Path of the file, or name of the architecture or module, for error messages and as the model's name.
    data
        Data set; None if neither user nor file names one.
    task
        Name of the task, for `interp.tasks.find_task`.
    weighs
        Whether activations that do as well are weighed against each other; without, the best score decides, as it may
        where ways of reading the data are compared.
    less_usual
        Whether bare convolutions are read under less usual pooling layouts; refused where a usual one fits the images.
    stood
        Candidate that stood for bare convolutions under usual pooling layouts, to be compared with less usual ones;
        None where it is to be found.
    """

    path: object
    contents: Contents
    data: Dataset | None
    options: LoadOptions
    task: str = ASSUMED.name
    weighs: bool = True
    less_usual: bool = False
    stood: Settled | None = None


def settled(asked: Request, outputs: int, form: str = "") -> tuple[Request, Inference]:
    """Settle what the network is asked for, once the number of its outputs is known, with the data in that form.

    Parameters
    ----------
    asked
        Contents of a file beside what the user gave.
    outputs
        Number of outputs of the network, C.
    form
        Form of the outputs, as in `LoadedModel.output`, where the network itself shows it; empty where it is not known.

    Raises
    ------
    DataError, UsageError
        If the data are not this network's, or not for the task or with the order of labels that the user named.
    """
    given = asked.data
    if given is not None:
        given = labels_of_signs(given, asked.options.task, outputs)
        given = labels_from_zero(given, outputs)
        given = in_label_order(given, asked.options.label_order, outputs)
    fact = infer_task(given, outputs, asked.options.task, form)
    data = None if given is None else data_for(given, str(fact.value), outputs)
    return replace(asked, task=str(fact.value), data=data), fact
