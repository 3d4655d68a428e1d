"""What kinds of nodes there are, in words that need no paper, and of how many it could not be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from interp.types import KINDS, UNSAMPLED, Boundaries
from interp.verdict.evidence import Evidence
from interp.verdict.words import listed

CALLED = {
    "coherent": "{} {have} it at the middle of a cluster, as the distance to a prototype has (coherent)",
    "adhoc": "{} {have} it elsewhere (ad hoc)",
    "one-sided": "{} lie{s} on one side of zero for nearly all data (one-sided)",
    "dead": "{} never change{s} (dead)",
}
"""Kind -> what it means, after a number of nodes."""

CHANCE = " Nodes that learned nothing can be coherent too: compare their share with that of chance."
"""What to hold beside coherent nodes."""

DRAWN = "only some were drawn for that, and of the others those alone are known that are dead or one-sided"
"""Which nodes' kinds are known where not all were looked for."""


def what_kinds(found: Evidence) -> str:
    """Count the kinds of nodes, those first of which the kind could not be told; empty where no node was looked at.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> what_kinds(Evidence(model, data))
    ''
    """
    counts = _counts(found.boundaries)
    seen = sum(counts[kind] for kind in KINDS)
    if not seen:
        return ""
    left = counts[UNSAMPLED]
    last = ", the last layer's among them," if set(found.boundaries) - set(found.hidden) else ""
    drawn = f"The kind of {left:,} of {seen + left:,} nodes{last} was not looked for: {DRAWN}. " if left else ""
    nodes = f"{seen:,} {'node' if seen == 1 else 'nodes'}"
    rest = f"the other {nodes}" if left else f"{nodes}{last}"
    told = [_called(kind, counts[kind]) for kind in CALLED if counts[kind] or kind == "coherent"]
    beside = CHANCE if counts["coherent"] else ""
    if not counts["undecided"]:
        which = f"Where zero, the boundary, lies among the values of {rest.removesuffix(',')}:"
        return f"{drawn}{which} {listed(told)}.{beside}"
    of_the_rest = f" Of the rest, {listed(told)}.{beside}" if counts["undecided"] < seen else ""
    return (
        f"{drawn}For {counts['undecided']:,} of {rest} we could not tell where zero, the boundary, lies among"
        f" {'its' if seen == 1 else 'their'} values: these form no clear clusters, or the samples are too few"
        f" (undecided).{of_the_rest}"
    )


def _counts(layers: Mapping[str, Boundaries]) -> Counter[str]:
    """Count the nodes of each kind over all layers."""
    counts: Counter[str] = Counter()
    for part in layers.values():
        counts.update(part.counts)
    return counts


def _called(kind: str, count: int) -> str:
    """Say what so many nodes of a kind are."""
    is_one = count <= 1  # "none has"
    return CALLED[kind].format(f"{count:,}" if count else "none", s="s" * is_one, have="has" if is_one else "have")
