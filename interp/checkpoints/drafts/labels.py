"""Labels that are counted from 1, for a network whose outputs are counted from 0."""

from __future__ import annotations

from dataclasses import replace

from interp.types import Dataset, Inference, Split


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
