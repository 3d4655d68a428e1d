"""Networks in, comparison out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from interp.comparison.activity import activities
from interp.comparison.activity import left_out as unstored
from interp.comparison.aligned import aligned_with_first
from interp.comparison.answers import answers_of, compared_split
from interp.comparison.changes import change_tables
from interp.comparison.disputed import disputed_rows, with_inputs
from interp.comparison.layers import alignment_rows, layer_rows, matched_layers, node_rows
from interp.comparison.members import Member
from interp.comparison.result import Comparison
from interp.comparison.scores import class_rows, group_rows, network_rows, pair_rows
from interp.comparison.snapshots import in_training_order, snapshot_layer_rows, snapshot_rows
from interp.tasks import find_task
from interp.verdict.layers import layer_verdicts


def compare_members(members: Sequence[Member], snapshots: bool = False) -> Comparison:
    """Compare networks whose stages were run.

    Parameters
    ----------
    members
        Networks on the same data, as `open_members` gives them.
    snapshots
        Whether the networks are snapshots of one training, which are put into the order in which they were taken.

    Returns
    -------
    Comparison
        Everything that ``compare.html`` shows.

    Raises
    ------
    UsageError
        If they are to be snapshots of one training and have different parameters.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from interp.comparison import open_members, sources_of
    >>> sources = sources_of(["zoo/pretrained/abs-digits.pt", "zoo/pretrained/relu-digits.pt"])
    >>> with TemporaryDirectory() as folder:
    ...     found = compare_members(open_members(sources, None, folder, stages=["record"]))
    >>> found.networks["network"].tolist()
    ['abs-digits', 'relu-digits']
    """
    members = in_training_order(members) if snapshots else members
    name, split = compared_split(members[0])
    data, task = members[0].run.data, find_task(members[0].run.model.task)
    answers, activity = answers_of(members), activities(members, name)
    labels = split.labels if task.counted else None
    matched = matched_layers(members, activity)
    changes, changed_nodes = change_tables(members, activity)
    alignment = aligned_with_first(members)
    disputed = with_inputs(disputed_rows(members, answers, labels), data, split)
    networks, cka = network_rows(members, answers, bool(task.score.share)), alignment_rows(members, activity)
    rows = disputed["sample"].to_numpy(int) if len(disputed) else np.empty(0, int)
    return Comparison(
        data={"name": data.name, "split": name, "samples": len(split), "digest": data.digest, "score": task.score.key},
        networks=networks,
        pairs=pair_rows(members, answers, task),
        groups=group_rows(members, answers, labels),
        classes=class_rows(members, answers, labels),
        disputed=disputed,
        alignment=cka,
        layers=layer_rows(members, matched),
        nodes=node_rows(members, matched),
        readings=_readings(members),
        changes=changes,
        changed_nodes=changed_nodes,
        aligned=alignment.table,
        line=alignment.line,
        copies=alignment.copies,
        snapshots=snapshot_rows(members, answers, networks) if snapshots else pd.DataFrame(),
        snapshot_layers=snapshot_layer_rows(members, cka) if snapshots else pd.DataFrame(),
        images=np.asarray(split.inputs[rows]),
        image_shape=data.image_shape,
        classes_named=data.classes,
        left_out=(
            *unstored(members, name, activity),
            *_left_out(members, labels is None),
            *alignment.left_out,
        ),
    )


def _readings(members: Sequence[Member]) -> pd.DataFrame:
    rows = [
        {
            "network": member.name,
            "layer": one.layer,
            "leaning": one.leaning,
            "balance": member.found["reading"][one.layer].balance,
            "p_holm": one.p_holm,
            "kept_by_one_cut": member.found["reading"][one.layer].kept,
            "curve": member.found["reading"][one.layer].curve.tolist(),
        }
        for member in members
        if "reading" in member.found
        for one in layer_verdicts(member.found["reading"])
    ]
    return pd.DataFrame(rows)


def _left_out(members: Sequence[Member], has_no_labels: bool) -> list[str]:
    said = []
    if has_no_labels:
        said.append("There are no classes to count by, so that errors are not counted by class or by group.")
    if not any("reading" in member.found for member in members):
        said.append("What layers are read at was not asked for (--brief).")
    if not any("prototypes" in member.found for member in members):
        said.append("Prototypes were not asked for (--brief).")
    shapes = {tuple((layer.name, layer.nodes) for layer in member.run.model.layers) for member in members}
    if len({len(shape) for shape in shapes}) > 1:
        said.append(
            "Networks of different depths: only their last layers are matched node by node; CKA is of all pairs."
        )
    return said
