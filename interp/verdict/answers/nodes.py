"""What kinds of hidden nodes there are, in words that need no paper, and of how many it could not be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from interp.types import KINDS, UNSAMPLED, Boundaries
from interp.verdict.evidence import Evidence
from interp.verdict.words import listed

WHERE = "Where does a node's value before its activation cross zero, its boundary, on the data? "

CALLED = {
    "coherent": "In the middle of a cluster of its values, as a distance to a prototype would: {} (coherent)",
    "adhoc": "elsewhere: {} (adhoc)",
    "one-sided": "nearly never: {} (one-sided)",
    "dead": "the output never changes: {} (dead)",
    "undecided": "not to be told, clusters being unclear or samples too few: {} (undecided)",
}
"""Kind -> what it means, with a number of nodes."""

UNTOLD = " Conclude nothing from where an undecided node crosses zero."
"""What undecided nodes mean for the reader."""

CHANCE = " Nodes that learned nothing can be coherent too: compare their share with that of chance."
"""What to hold beside coherent nodes."""


def what_kinds(found: Evidence) -> str:
    """Count the kinds of hidden nodes, whether the kind could be told first; empty where no node was looked at.

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
    counts = _counts(found.hidden_boundaries)
    seen = sum(counts[kind] for kind in KINDS)
    if not seen:
        return ""
    told = [
        words.format(f"{counts[kind]:,}" if counts[kind] else "none")
        for kind, words in CALLED.items()
        if counts[kind] or kind == "coherent"
    ]
    where = WHERE + "; ".join(told)
    meant = (UNTOLD if counts["undecided"] else "") + (CHANCE if counts["coherent"] else "")
    hidden = "hidden " if found.model.hidden else ""
    return f"{_result(counts, seen, hidden)}. {where}.{meant}{_drawn(found, seen, counts[UNSAMPLED], hidden)}"


def _result(counts: Mapping[str, int], seen: int, hidden: str) -> str:
    """Say whether the kinds could be told; where they could, which the nodes are of."""
    nodes = f"{seen:,} {hidden}{'node' if seen == 1 else 'nodes'}"
    if 2 * counts["undecided"] > seen:
        return f"Nothing can be said of most single nodes: {counts['undecided']:,} of {nodes} are undecided"
    told = [f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]]
    return f"Of {nodes} {listed(told)}"


def _drawn(found: Evidence, seen: int, left: int, hidden: str) -> str:
    """Say in how many nodes clusters were looked for, where some were drawn, and how many are counted besides."""
    if not left:
        return ""
    fitted = sum(part.classified for part in found.hidden_boundaries.values())
    return (
        f" Clusters were looked for in {fitted:,} live nodes of {seen + left:,} {hidden}ones, drawn at random; the"
        f" {seen - fitted:,} others counted here are dead or one-sided, which shows without."
    )


def _counts(layers: Mapping[str, Boundaries]) -> Counter[str]:
    """Count the nodes of each kind over all layers."""
    counts: Counter[str] = Counter()
    for part in layers.values():
        counts.update(part.counts)
    return counts
