"""What kinds of hidden nodes there are, in words that need no paper, and of how many it could not be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from interp.types import KINDS, UNSAMPLED, Boundaries
from interp.verdict.evidence import Evidence
from interp.verdict.words import listed

UNTOLD = "Conclude nothing from where an undecided node crosses zero."
"""What undecided nodes mean for the reader."""

CHANCE = "Nodes that learned nothing can be coherent too: compare their share with that of chance."
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
    meant = [UNTOLD] * bool(counts["undecided"]) + [CHANCE] * bool(counts["coherent"]) + [KINDS_BELOW]
    drawn = _drawn(found, seen, counts[UNSAMPLED]) if counts[UNSAMPLED] else []
    return " ".join([f"{_result(counts, seen, bool(found.model.hidden))}.", *drawn, *meant])


KINDS_BELOW = "The table of kinds, below, says what each word means."


def _result(counts: Mapping[str, int], seen: int, is_hidden: bool) -> str:
    """Count the nodes of each kind, the undecided first; where these are most, say what that comes to."""
    nodes, left = f"{'hidden ' if is_hidden else ''}{'node' if seen == 1 else 'nodes'}", counts[UNSAMPLED]
    among = f"the {seen:,} {nodes} looked at (of {seen + left:,})" if left else f"{seen:,} {nodes}"
    others = [f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind] and kind != "undecided"]
    undecided = counts["undecided"]
    if 2 * undecided <= seen:
        return f"Of {among} {listed([*others, *([f'{undecided:,} undecided'] if undecided else [])])}"
    return f"{', '.join([f'{undecided:,} of {among} undecided', *others])}: little to build on"


def _drawn(found: Evidence, seen: int, left: int) -> list[str]:
    """Say in how many nodes clusters were looked for, and why others are counted besides."""
    fitted = sum(part.classified for part in found.hidden_boundaries.values())
    drawn = f"{fitted:,} nodes of {seen + left:,} were drawn at random, and clusters looked for in their values"
    are = "is" if seen - fitted == 1 else "are"
    more = f"; {seen - fitted:,} more {are} counted, since a dead or one-sided node is known without clusters"
    return [f"{drawn}{more if seen > fitted else ''}."]


def _counts(layers: Mapping[str, Boundaries]) -> Counter[str]:
    """Count the nodes of each kind over all layers."""
    counts: Counter[str] = Counter()
    for part in layers.values():
        counts.update(part.counts)
    return counts
