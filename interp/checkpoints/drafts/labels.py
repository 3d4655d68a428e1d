"""Labels brought to the outputs of a network: those counted from 1, and classes in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.errors import UsageError
from interp.types import Dataset, Inference, Split

GIVEN = "given"
"""Word that leaves labels as they are."""


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
