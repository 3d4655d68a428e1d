"""What a reader must know before trusting the page.

To add an alert, write a function here or anywhere else and a line in `ALERTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from interp.safety import import_name
from interp.verdict.evidence import Evidence
from interp.verdict.words import MANY_LAYERS, some

MANY_DEAD = 0.2
"""Share of dead nodes above which a layer is named."""


def guesses(found: Evidence) -> Iterator[str]:
    """Name every fact about the file that the data do not settle."""
    for fact, said in found.model.inferred.items():
        if said.confidence == "uncertain" and said.value is not None and fact != "trained":
            name = fact.replace("_", " ")
            yield f"{name} is a guess that the data do not settle: {said.value} ({said.evidence})"


def untrained(found: Evidence) -> Iterator[str]:
    """Say why the network may not be trained."""
    said = found.model.inferred["trained"]
    if said.value is not True:
        yield f"trained: {said.evidence}"


def poor_fit(found: Evidence) -> Iterator[str]:
    """Say that the network's score on these data is lower than its size leads one to expect."""
    fit = found.model.inferred.get("fit")
    if fit is not None and fit.value != "as expected":
        yield f"the network as it was read is {fit.value}: {fit.evidence}"


def no_labels(found: Evidence) -> Iterator[str]:
    """Say which figure stands for the score where there are no labels."""
    if found.task.answers(found.data.train) is None:
        yield "no labels: accuracy below means agreement with the unperturbed predictions"


def no_test_split(found: Evidence) -> Iterator[str]:
    """Say that all figures come from the samples that the results were fitted to."""
    if "test" not in found.data.splits:
        yield "no test split: everything is measured on the data that was fitted"


def dead_layers(found: Evidence) -> Iterator[str]:
    """Name the layers in which many nodes are dead; a few of them where there are many."""
    shares = {name: part.counts["dead"] / len(part.kind) for name, part in found.boundaries.items()}
    many = {name: share for name, share in shares.items() if share > MANY_DEAD}
    if len(many) > MANY_LAYERS:
        yield f"more than {MANY_DEAD:.0%} of the nodes are dead in each of {len(many)} layers: {some(list(many))}"
        return
    for name, share in many.items():
        yield f"{share:.0%} of the nodes of {name} are dead"


def unknown_activations(found: Evidence) -> Iterator[str]:
    """Name the layers whose activation is not known, so that only their pre-activations are."""
    unknown = sorted({layer.name for layer in found.model.layers if layer.activation == "custom"})
    if unknown:
        yield (
            f"{', '.join(unknown)}: an activation of its own making follows, so output ranges and means"
            " are those of z, and intervention levels with them"
        )


def limited(found: Evidence) -> Iterator[str]:
    """Count the parts of the network and of the data that were looked at."""
    if found.limits:
        parts = "; ".join(f"{limit.looked_at:,} of {limit.of:,} {limit.what}" for limit in found.limits)
        yield f"looked at in part only ({parts}): see “The network” for which, and how to lift it"


def not_covered(found: Evidence) -> Iterator[str]:
    """List the modules that no layer covers, grouped by reason."""
    parts: dict[str, list[str]] = {}
    for name, why in found.model.skipped.items():
        parts.setdefault(why, []).append(name)
    if parts:
        yield "not covered: " + "; ".join(f"{some(names)} ({why})" for why, names in parts.items())


Alert = Callable[[Evidence], Iterable[str]]

ALERTS: dict[str, Alert | str] = {
    "guesses": guesses,
    "untrained": untrained,
    "poor fit": poor_fit,
    "no labels": no_labels,
    "no test split": no_test_split,
    "dead layers": dead_layers,
    "unknown activations": unknown_activations,
    "limited": limited,
    "not covered": not_covered,
}
"""Subject -> function of the evidence that yields sentences about it, or ``package.module:name`` of one."""


def alerts(found: Evidence, known: Mapping[str, Alert | str] = ALERTS) -> tuple[str, ...]:
    """Give the sentences of all alerts.

    Parameters
    ----------
    found
        Results of the run.
    known
        Subject -> function that yields sentences, in the order of the sentences.

    Returns
    -------
    tuple of str
        Sentences; none where there is nothing to alert to.
    """
    makers = (import_name(maker, "alert") if isinstance(maker, str) else maker for maker in known.values())
    return tuple(sentence for maker in makers for sentence in maker(found))
