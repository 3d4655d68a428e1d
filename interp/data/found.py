"""What a source read: arrays by name, with what it found out about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interp.types import Inference


class Found(dict[str, Any]):
    """Arrays by name, such as ``x_train``, and facts about how they were read.

    Parameters
    ----------
    arrays
        Name of an array -> its values.
    facts
        Name of a fact -> value, confidence and evidence.

    Examples
    --------
    >>> found = Found({"x": [[0.5]]}, {"fill": Inference("mean", "certain", "given with --fill")})
    >>> list(found), facts_of(found)["fill"].value, facts_of({"x": [[0.5]]})
    (['x'], 'mean', {})
    """

    def __init__(self, arrays: Mapping[str, Any], facts: Mapping[str, Inference]) -> None:
        super().__init__(arrays)
        self.facts = dict(facts)


def facts_of(content: Mapping[str, Any]) -> dict[str, Inference]:
    """Give the facts that came with arrays; none where a user gave plain ones."""
    return content.facts if isinstance(content, Found) else {}
