"""What each network answers on the samples that are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from interp.comparison.members import Member
from interp.network.inputs import outputs_on
from interp.tasks import find_task, predict
from interp.types import Array, Split


@dataclass(frozen=True)
class Answers:
    """Outputs of one network, and how good they are.

    Attributes
    ----------
    outputs
        Outputs (S, C).
    scores
        Score of each sample (S,): 1 or 0 where the score is a share; its mean is the score.
    predicted
        Predicted class of each sample (S,); None without classes.
    """

    outputs: Array
    scores: Array
    predicted: Array | None


def compared_split(member: Member) -> tuple[str, Split]:
    """Give the split that networks are compared on: the test split, or else the training split.

    Parameters
    ----------
    member
        One of the networks; all have the same data.
    """
    name = "test" if "test" in member.run.data.splits else "train"
    return name, member.run.data.splits[name]


def answers_of(members: Sequence[Member]) -> list[Answers]:
    """Run every network on the compared split.

    Without labels or targets, each is held against the outputs of the first.

    Parameters
    ----------
    members
        Networks of the comparison.
    """
    split = compared_split(members[0])[1]
    outputs = [outputs_on(member.run.model, split.inputs) for member in members]
    task, form = find_task(members[0].run.model.task), members[0].run.model.output
    values = task.answers(split)
    if values is None:
        own = task.own_answers(outputs[0], form)
        scorers = [task.own_scorer(outputs[0].numpy())] * len(members)
    else:
        own = torch.from_numpy(np.asarray(values))
        scorers = [task.scorer_of(split, values, member.run.model.scaling) for member in members]
    return [
        Answers(
            given.double().numpy(),
            scorer(given, own, member.run.model.output)[0].double().numpy(),
            predict(given, member.run.model.output).numpy() if task.counted else None,
        )
        for member, given, scorer in zip(members, outputs, scorers, strict=True)
    ]
