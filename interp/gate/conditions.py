"""Conditions under which a network is turned down, as a user writes them: ``dead>5%, test_score<0.97``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from interp.errors import UsageError, unknown_name
from interp.gate.facts import Facts
from interp.types import SEVERITIES
from interp.verdict.alerts import ALERTS

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
"""Sign -> comparison of what was found with a limit."""

COMPARISON = re.compile(
    r"(?P<metric>[\w-]+)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>[-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?P<percent>%?)"
)


def _score(split: str) -> Callable[[Facts], float]:
    return lambda facts: facts.scores[split].value if split in facts.scores else float("nan")


def _gap(facts: Facts) -> float:
    return _score("train")(facts) - _score("test")(facts)


def _share(name: str) -> Callable[[Facts], float]:
    return lambda facts: facts.share(name)


@dataclass(frozen=True)
class Metric:
    """A number that a condition may be about.

    Attributes
    ----------
    words
        Description of the number.
    read
        Function of the facts that gives it; NaN where it is not known.
    stages
        Names of the stages that it needs.
    """

    words: str
    read: Callable[[Facts], float]
    stages: tuple[str, ...] = ()


METRICS: dict[str, Metric] = {
    "test_score": Metric("score of the task on the test split", _score("test")),
    "train_score": Metric("score of the task on the training split", _score("train")),
    "gap": Metric("training score less test score", _gap),
    "dead": Metric("share of hidden nodes that are dead", _share("dead"), ("boundaries",)),
    "one_sided": Metric("share of hidden nodes that are one-sided", _share("one_sided"), ("boundaries",)),
    "coherent": Metric("share of hidden nodes that are coherent", _share("coherent"), ("boundaries",)),
    "duplicate": Metric("share of hidden nodes that repeat another", _share("duplicate"), ("screen",)),
    "saturated": Metric("share of hidden nodes that are saturated", _share("saturated"), ("screen",)),
    "alerts": Metric("number of alerts that are errors or warnings", lambda facts: _number_of(facts, "warning")),
}
"""Name -> number; a condition on ``alerts`` needs the stages of `FOR_ALERTS`."""

FOR_ALERTS = ("boundaries", "screen")
"""Names of the stages that the alerts of a gate rest on."""


def _number_of(facts: Facts, severity: str) -> float:
    worst = SEVERITIES.index(severity)
    return float(sum(SEVERITIES.index(alert.severity) <= worst for alert in facts.alerts))


@dataclass(frozen=True)
class Outcome:
    """One condition, and whether a network passes it.

    Attributes
    ----------
    condition
        Condition in words.
    passed
        Whether the network passes.
    found
        Sentence that says what was found.

    Examples
    --------
    >>> str(Outcome("dead>5%", False, "dead is 12.5%"))
    'FAIL  dead>5%: dead is 12.5%'
    """

    condition: str
    passed: bool
    found: str

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.condition}: {self.found}"


@dataclass(frozen=True)
class Condition:
    """One condition under which a network is turned down.

    Attributes
    ----------
    text
        Condition as it was written.
    judge
        Function of the facts that says whether the network passes, and what was found.
    stages
        Names of the stages that it needs.
    """

    text: str
    judge: Callable[[Facts], tuple[bool, str]]
    stages: tuple[str, ...] = ()

    def outcome(self, facts: Facts) -> Outcome:
        """Hold a network's facts against the condition."""
        return Outcome(self.text, *self.judge(facts))


def parse_conditions(text: str, where: str = "--fail-on") -> list[Condition]:
    """Read conditions that are separated by commas.

    Parameters
    ----------
    text
        Conditions: ``METRIC<NUMBER``, also with ``>``, ``<=``, ``>=`` and a percent sign, or ``alert:NAME``, where NAME
        is an alert or a severity (which stands for it and worse ones).
    where
        Option that they were given with, for the error.

    Returns
    -------
    list of Condition
        Conditions, in the order in which they were written.

    Raises
    ------
    UsageError
        If one of them cannot be read.

    Examples
    --------
    >>> [condition.text for condition in parse_conditions("dead > 5%, alert:untrained")]
    ['dead > 5%', 'alert:untrained']
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise UsageError(where, found=repr(text), expected="conditions separated by commas", do=EXAMPLE)
    return [_of_alert(part, where) if part.startswith("alert:") else _comparison(part, where) for part in parts]


EXAMPLE = 'for example --fail-on "dead>5%, test_score<0.97, alert:untrained"'


def _of_alert(text: str, where: str) -> Condition:
    name = text.partition(":")[2].strip().replace("_", "-").replace(" ", "-")
    known = (*ALERTS, *SEVERITIES)
    if name not in known:
        raise unknown_name(f"alert of {where}", name, known)

    def judge(facts: Facts) -> tuple[bool, str]:
        worst = SEVERITIES.index(name) if name in SEVERITIES else -1
        raised = [one for one in facts.alerts if one.name == name or SEVERITIES.index(one.severity) <= worst]
        said = "; ".join(f"{one.name}: {one.evidence}" for one in raised)
        return not raised, said or "not raised"

    return Condition(text, judge, FOR_ALERTS)


def _comparison(text: str, where: str) -> Condition:
    read = COMPARISON.fullmatch(text)
    try:
        limit = float(read["limit"]) if read else float("nan")
    except ValueError:
        read = None
    if read is None:
        expected = "METRIC<NUMBER, METRIC>NUMBER or alert:NAME"
        raise UsageError(where, found=repr(text), expected=expected, do=EXAMPLE)
    name = read["metric"].replace("-", "_")
    if name not in METRICS:
        raise unknown_name(f"metric of {where}", name, METRICS)
    metric, compare = METRICS[name], OPERATORS[read["sign"]]
    limit = limit / 100 if read["percent"] else limit

    def judge(facts: Facts) -> tuple[bool, str]:
        value = metric.read(facts)
        if value != value:
            return False, f"{name} is not known of these data"
        return not compare(value, limit), f"{name} is {f'{value:.2%}' if read['percent'] else f'{value:.4g}'}"

    return Condition(text, judge, FOR_ALERTS if name == "alerts" else metric.stages)
