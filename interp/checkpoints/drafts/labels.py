"""Labels brought to the outputs of a network: signs, those counted from 1, and classes in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.data.targets import SIGNS
from interp.errors import UsageError
from interp.tasks import find_task
from interp.types import Dataset, Inference, Split

GIVEN = "given"
"""Word that leaves labels as they are."""

OF_SIGNS = "-1 and +1"
"""Value of the fact ``labels`` where targets of -1 and +1 were taken for labels of two classes."""


def labels_of_signs(data: Dataset, task: str | None, outputs: int) -> Dataset:
    """Take targets that are all -1 or +1 for labels of two classes, and say so.

    Hinge losses, and squared errors of such targets, train networks to tell classes apart by the sign of one output.

    Parameters
    ----------
    data
        Data set with or without targets.
    task
        Name of the task that the user gave; None where it is to be inferred. Tasks without classes keep targets.
    outputs
        Number of outputs of the network, C.

    Returns
    -------
    Dataset
        Data set with labels 0 and 1, whose fact ``labels`` says what they stand for; the very same where targets are
        others, or the training split has one of the two alone.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> data = load_dataset(([[0.5], [1.5], [0.1]], [-1, 1, -1]))
    >>> labels_of_signs(data, None, 1).train.labels, labels_of_signs(data, "regression", 1).train.labels
    (array([0, 1, 0]), None)
    """
    known = [split.targets for split in data.splits.values() if split.targets is not None]
    is_counted = task is None or find_task(task).counted
    if not is_counted or data.train.targets is None or len(np.unique(data.train.targets)) != len(SIGNS):
        return data
    if not all(table.shape[1] == 1 and np.isin(table, SIGNS).all() for table in known):
        return data
    by = "the sign of the one output" if outputs == 1 else "the larger output"
    why = f"every target is -1 or +1: labels of two classes, told apart by {by}; --task regression compares the values"
    splits = {name: _signed(split) for name, split in data.splits.items()}
    facts = {**data.facts, "labels": Inference(OF_SIGNS, "likely", why)}
    return replace(data, splits=splits, classes=("-1", "+1"), facts=facts)


def are_of_signs(data: Dataset) -> bool:
    """Tell whether the labels of a data set were targets of -1 and +1.

    Parameters
    ----------
    data
        Data set with or without labels.
    """
    said = data.facts.get("labels")
    return said is not None and said.value == OF_SIGNS


def _signed(split: Split) -> Split:
    if split.targets is None:
        return split
    return replace(split, labels=(split.targets[:, 0] > 0).astype(np.int64), targets=None)


def labels_from_zero(data: Dataset, outputs: int) -> Dataset:
    """Count labels from 0 where they run from 1 to just the number of outputs, and say so.

    Parameters
    ----------
    data
        Data set with or without labels.
    outputs
        Number of outputs of the network, C.

    Returns
    -------
    Dataset
        Data set whose fact ``labels`` says what was done; the very same where labels run otherwise.
    """
    known = [split.labels for split in data.splits.values() if split.labels is not None]
    if outputs < 2 or not known:
        return data
    if min(int(labels.min()) for labels in known) != 1 or max(int(labels.max()) for labels in known) != outputs:
        return data
    why = f"labels are 1 to {outputs}, and the network has {outputs} outputs; counted from 0 here"
    splits = {name: _shifted(split) for name, split in data.splits.items()}
    facts = {**data.facts, "labels": Inference("from 1", "certain", why)}
    return replace(data, splits=splits, classes=data.classes[1:], facts=facts)


def _shifted(split: Split) -> Split:
    return split if split.labels is None else replace(split, labels=split.labels - 1)


def in_label_order(data: Dataset, said: str | None, outputs: int) -> Dataset:
    """Give labels the numbers of the outputs that a user says stand for them, and say so.

    Parameters
    ----------
    data
        Data set whose labels count from 0.
    said
        Output of each label with commas between them, as ``2,0,1``; ``given`` or None to leave labels as they are.
    outputs
        Number of outputs of the network, C.

    Returns
    -------
    Dataset
        Data set with labels and names of classes by output, and a fact ``label_order``.

    Raises
    ------
    UsageError
        If these are no numbers of outputs, one for each label and each once.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> data = load_dataset({"x": [[0.5], [1.5]], "y": [0, 1], "target_names": ["cat", "dog"]})
    >>> in_label_order(data, "1,0", 2).classes, in_label_order(data, "1,0", 2).train.labels
    (('dog', 'cat'), array([1, 0]))
    """
    if said is None:
        return data
    if said == GIVEN:
        fact = Inference(GIVEN, "certain", "given with --label-order")
        return replace(data, facts={**data.facts, "label_order": fact})
    order = _order(said, data, outputs)
    names = {output: data.classes[label] for label, output in enumerate(order)}
    splits = {
        name: split if split.labels is None else replace(split, labels=order[split.labels])
        for name, split in data.splits.items()
    }
    fact = Inference(said, "certain", "given with --label-order: output of label 0, of label 1, and so on")
    classes = tuple(names.get(output, str(output)) for output in range(outputs))
    return replace(data, splits=splits, classes=classes, facts={**data.facts, "label_order": fact})


def _order(said: str, data: Dataset, outputs: int) -> np.ndarray:
    """Read the output of each label."""
    wanted, parts = len(data.classes), said.split(",")
    order = [int(part) for part in parts if part.strip().isdecimal() and len(part) < 10]
    if not wanted or len(order) != len(parts) or len(order) != wanted or len(set(order)) != wanted:
        expected = f"{GIVEN}, or {wanted} different numbers with commas between them" if wanted else "labels of classes"
        raise UsageError(f"--label-order {said[:80]}", found=f"{len(parts)} parts", expected=expected, do="say it anew")
    if max(order) >= outputs:
        raise UsageError(
            f"--label-order {said[:80]}",
            found=f"an output {max(order)}",
            expected=f"outputs from 0 to {outputs - 1}",
            do="count them from 0",
        )
    return np.array(order)
