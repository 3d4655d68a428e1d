"""The gate for scripts and tests: a network and conditions in, pass or fail out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.api.front_door import analyse
from interp.checkpoints import Network
from interp.gate.check import Gate, conditions_of, judged
from interp.gate.facts import facts_of
from interp.run.pipeline import evidence_of
from interp.types.annotations.edge import checked
from interp.verdict.alerts import alerts

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from interp.api.options import Said


@checked
def check(
    source: Network,
    data: Any = None,
    *,
    fail_on: str | None = None,
    against: str | Path | None = None,
    out: str | Path | None = None,
    **options: Unpack[Said],
) -> Gate:
    """Hold a network against conditions: what ``interp check`` does, for a script or test.

    Parameters
    ----------
    source
        Network: a module in memory, a checkpoint's path, or an architecture's name, as `analyse` takes it.
    data
        Data it was trained on, as `analyse` takes them.
    fail_on
        Conditions under which it is turned down, such as ``"dead>5%, test_score<0.97, alert:untrained"``; None for
        those of `against`, or else for any alert that is an error.
    against
        The ``report.json`` of an earlier run on the same data, than which it must be no worse.
    out
        Folder for the files of the stages; None for a temporary one.
    **options
        Settings, named as in `analyse`.

    Returns
    -------
    Gate
        Outcome of each condition; ``passed`` where all are.

    Raises
    ------
    CheckpointError
        If the network cannot be read or run.
    DataError
        If the data cannot be used.
    MismatchError
        If the baseline cannot be read, or is of other data.
    UsageError
        If a condition or an option is wrong.

    Examples
    --------
    >>> gate = check("zoo/pretrained/abs-digits.pt", fail_on="test_score<0.9")
    >>> gate.passed
    True
    """
    conditions = conditions_of(fail_on, against, options.get("task"))
    stages = list(dict.fromkeys(name for condition in conditions for name in condition.stages))
    found = analyse(source, data, stages=stages or ["record"], out=out, **options)
    evidence = evidence_of(found.run, found.fields)
    return judged(found.run, facts_of(evidence, alerts(evidence)), conditions)
