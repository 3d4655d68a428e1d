"""The first screen: what the network is, how good it is, what it reads and what to do next, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from interp.types import Alert, Answer
from interp.verdict.answers.description import what_it_is
from interp.verdict.answers.nodes import what_kinds
from interp.verdict.answers.quality import how_good
from interp.verdict.answers.reads import what_it_reads
from interp.verdict.answers.steps import what_next
from interp.verdict.evidence import Evidence

__all__ = [
    "DISTRUST",
    "GOOD",
    "IS",
    "NEXT",
    "NODES",
    "ORDER",
    "READS",
    "answers",
    "how_good",
    "what_it_is",
    "what_it_reads",
    "what_kinds",
    "what_next",
]

IS, GOOD, DISTRUST, NEXT = "What it is", "How good it is", "What to distrust", "What to do next"
READS, NODES = "Which outputs decide", "What its nodes are"
ORDER = (IS, GOOD, DISTRUST, NEXT, READS, NODES)
"""Questions of the first screen, in order; alerts answer what to distrust."""


def answers(found: Evidence, alerts: Sequence[Alert] = ()) -> tuple[Answer, ...]:
    """Answer what somebody asks first who has not read the papers.

    Parameters
    ----------
    found
        Results of a run.
    alerts
        Alerts that these results raise.

    Returns
    -------
    tuple of Answer
        Answers in the order of the first screen, `ORDER`; the first sentence of each is the result.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> [answer.question for answer in answers(Evidence(model, data))][:3]
    ['What it is', 'How good it is', 'Which outputs decide']
    """
    return (
        Answer(IS, what_it_is(found), "model"),
        Answer(GOOD, how_good(found), "model"),
        *(Answer(NEXT, step.do, step.place, command=step.command) for step in what_next(found, alerts)),
        *(Answer(READS, said.answer, said.place, said.layers) for said in what_it_reads(found)),
        *(Answer(NODES, said, "layers") for said in (what_kinds(found),) if said),
    )
