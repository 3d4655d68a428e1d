"""One alert of the list, as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from interp.types import Alert, Severity
from interp.verdict.commands import command
from interp.verdict.evidence import Evidence


@dataclass(frozen=True)
class Seen:
    """What raises an alert.

    Attributes
    ----------
    evidence
        Sentence with the numbers that it rests on.
    nodes
        Addresses of the nodes concerned, such as ``fc1:17``.
    options
        Flags that the command of the alert gets, such as ``--scaling raw``.
    command
        Command in place of the rule's; None for the rule's.
    """

    evidence: str
    nodes: tuple[str, ...] = ()
    options: str = ""
    command: str | None = None


@dataclass(frozen=True)
class AlertRule:
    """One alert of the list: when it is raised, and what a reader is told.

    Attributes
    ----------
    severity
        Severity: ``error``, ``warning`` or ``note``; see `interp.types.Alert`.
    when
        Condition under which it is raised, in one phrase.
    do
        Sentence that says what to do about it.
    find
        Function of the results that yields what raises it; nothing where all is well.
    place
        Section of the page that shows more, a key of `interp.report.SECTIONS`; empty where none does.
    command
        Command to type, for `interp.verdict.commands.command`; empty where there is none.

    Examples
    --------
    >>> rule = AlertRule("note", "always", "Look.", lambda found: [Seen("There is something.")], "model")
    >>> rule.severity
    'note'
    """

    severity: Severity
    when: str
    do: str
    find: Callable[[Evidence], Iterable[Seen]]
    place: str = ""
    command: str = ""

    def raised(self, name: str, found: Evidence) -> list[Alert]:
        """Give the alerts that some results raise.

        Parameters
        ----------
        name
            Name of the alert.
        found
            Results of a run, of all stages or of some.
        """
        return [
            Alert(
                name,
                self.severity,
                seen.evidence,
                self.do,
                self.place,
                seen.nodes,
                command(found, f"{self.command if seen.command is None else seen.command} {seen.options}".strip()),
            )
            for seen in self.find(found)
        ]
