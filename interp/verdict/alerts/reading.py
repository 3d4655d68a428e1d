"""Alerts on how the file was read, and whether the network does what one of its size should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from interp.checkpoints.inference.explain import OPTIONS
from interp.checkpoints.inference.weighing.explain import BETWEEN, SHARES
from interp.types import Inference
from interp.verdict.alerts.rule import Seen
from interp.verdict.alerts.scores import order_in_doubt
from interp.verdict.evidence import Evidence
from interp.verdict.words import listed

FLAGS = {fact: f"--{option}" for fact, option in {**OPTIONS, "label_order": "label-order", "task": "task"}.items()}
"""Fact -> the flag with which a user states it."""

SHARE = re.compile(r" (\d+)%$")
"""Share of the evidence, behind the name of a value."""


RIVAL = re.compile(
    r"best with another value: ([^;]+?) -?[\d.]+%?(?: on [\d,]+ of them)?; a difference that chance explains"
)
"""Best other value, which may have several words, before its score, where it does as well."""


def untrained(found: Evidence) -> Iterator[Seen]:
    """Say so where the weights are those of an initialisation."""
    if _is_untrained(found):
        yield Seen(f"The network looks untrained. {_begun(found.model.inferred['trained'].evidence)}.")


def _is_untrained(found: Evidence) -> bool:
    said = found.model.inferred.get("trained")
    return said is not None and said.value is False


def training_unknown(found: Evidence) -> Iterator[Seen]:
    """Say so where neither weights nor score tell whether the network was trained on these data."""
    said = found.model.inferred.get("trained")
    if said is not None and said.value is None:
        yield Seen(f"Whether the network was trained on these data is not known. {_begun(said.evidence)}.")


def _begun(evidence: str) -> str:
    """Give evidence as a sentence of its own."""
    return f"{evidence[:1].upper()}{evidence[1:]}"


def at_chance(found: Evidence) -> Iterator[Seen]:
    """Say so where a network that was trained does no better than the best constant answer."""
    if not _is_untrained(found):
        yield from _fit(found, "at chance", "The network does no better than chance")


def poor_fit(found: Evidence) -> Iterator[Seen]:
    """Say so where models that need no training do as well."""
    yield from _fit(found, "poor for its size", "The network as it was read is poor for its size")


def doubtful_fit(found: Evidence) -> Iterator[Seen]:
    """Say so where the outputs have a property that training would have removed, what that may be first."""
    fit = found.model.inferred.get("fit")
    if fit is not None and fit.value == "doubtful":
        shown = _doubt_first(fit.evidence)
        guessed = _guesses(found)
        yield Seen(
            f"It seems {doubted(found)}: {_sign(shown)}. {LEFT}{MISREAD if guessed else ''}. What shows it: {shown}.",
            options=" ".join(f"--{word} {word.upper()}" for word in guessed),
            command=None if guessed else TRAINED_LONGER,
        )


TRAINED_LONGER = "compare {checkpoint} RETRAINED {options}"
"""Command for a doubtful network whose file is read as somebody stated."""


def _sign(shown: str) -> str:
    """Give what shows a doubtful fit in one clause, without its numbers."""
    return shown.partition("; ")[0].partition(", with ")[0]


def _doubt_first(evidence: str) -> str:
    """Give the evidence of a doubtful fit, which begins with the scores, with the reasons for doubt before these."""
    parts = evidence.split("; ", 2)
    return "; ".join([*parts[2:], *parts[:2]])


STATED = {"activation": "activation", "input_scaling": "scaling"}
"""Fact about the file, as it is inferred -> word for it, of those that make a network doubtful if they are wrong."""


LEFT = (
    "Training that was stopped early, or went by another loss, with dropout, changed inputs or other data leaves traces"
)
MISREAD = ", and so does a file that is read with a wrong activation or scaling"
"""What a doubtful fit may come from, and what else where the file does not say how it is read."""


def doubted(found: Evidence) -> str:
    """Say in a few words what a doubtful network may be.

    Parameters
    ----------
    found
        Results of a run.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> doubted(Evidence(*load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")))
    'not fully trained, or misread (its scaling is guessed)'
    """
    guessed = _guesses(found)
    verb = "is" if len(guessed) == 1 else "are"
    misread = f", or misread (its {' and '.join(guessed)} {verb} guessed)" if guessed else " on these data"
    return f"not fully trained{misread}"


def _guesses(found: Evidence) -> list[str]:
    """Name what would make a network doubtful if it were wrong, and is stated by nobody."""
    known = found.model.inferred
    return [word for fact, word in STATED.items() if fact in known and known[fact].confidence != "certain"]


def _fit(found: Evidence, value: str, words: str) -> Iterator[Seen]:
    fit = found.model.inferred.get("fit")
    if fit is not None and fit.value == value:
        yield Seen(f"{words}. {_begun(fit.evidence)}.")


def uncertain_reading(found: Evidence) -> Iterator[Seen]:
    """Name every fact about the file that the data do not settle, and that could change a prediction.

    Of random weights data settle nothing, and nothing hangs on it.
    """
    if _is_untrained(found):
        return
    for fact, said in found.model.inferred.items():
        if said is order_in_doubt(found):  # which has an alert of its own
            continue
        if fact != "trained" and is_guess(said):
            name, flag = fact.replace("_", " "), FLAGS.get(fact, "")
            option = f"{flag} {flag.removeprefix('--').upper().replace('-', '_')}" if flag else ""
            stated = f" ({flag} states it)" if flag else ""
            yield Seen(
                f"The {name} is a guess that the data do not settle: {_guessed(said)}. Evidence{stated}:"
                f" {most_likely(_alone(said, found))}.",
                options=option,
            )


def is_guess(said: Inference) -> bool:
    """Tell whether a fact about the file could change predictions, and the data do not settle it.

    Parameters
    ----------
    said
        Fact, as it was inferred.
    """
    return said.confidence == "uncertain" and said.value is not None and not said.harmless


def _alone(said: Inference, found: Evidence) -> str:
    """Give the evidence of a fact without that of the fit, which an alert of its own has."""
    fit = found.model.inferred.get("fit")
    return said.evidence if fit is None else said.evidence.replace(f" ({fit.evidence})", "")


MOST_RIVALS = 3
"""Largest number of other values that are named beside a guess."""

LEAST_SHARE = 5
"""Least share of the evidence with which another value is named, in per cent."""


def _guessed(said: Inference) -> str:
    """Give the value with those that the data leave as likely, and why ReLU is taken before likelier ones."""
    shares = _shares(said.evidence)
    own = shares.pop(str(said.value), 0)
    likelier = [f"{name} has {share}%" for name, share in shares.items() if share > own][:MOST_RIVALS]
    if said.value == "relu" and likelier:
        return f"relu, taken since most networks have it, with {own}% of the evidence; {listed(likelier)}"
    rivals = [name for name, share in shares.items() if share >= LEAST_SHARE][:MOST_RIVALS] or _rival(said.evidence)
    return f"{said.value}; {' or '.join(rivals)} may be right too" if rivals else str(said.value)


def _rival(evidence: str) -> list[str]:
    """Give the best other value where chance explains that it does worse; none where it does not, or there is none."""
    best = RIVAL.search(evidence)
    return [best[1]] if best else []


def _shares(evidence: str) -> dict[str, int]:
    """Give the share of the evidence of each single value, in per cent; of combinations none."""
    parts = [part.removeprefix(SHARES) for part in evidence.split("; ") if part.startswith(SHARES)]
    named = [(value, SHARE.search(value)) for part in parts for value in part.split(BETWEEN)]
    return {value[: share.start()]: int(share[1]) for value, share in named if share and ", " not in value}


def most_likely(evidence: str, least: int = 5) -> str:
    """Shorten evidence that names values with their shares to those of some per cent, and count the others.

    Parameters
    ----------
    evidence
        Evidence of a fact.
    least
        Least share that is named, in per cent.

    Examples
    --------
    >>> most_likely("97% right; by errors: relu 60% or gelu 34% or silu 4% or mish 2%")
    '97% right; by errors: relu 60% or gelu 34% or 2 others, together 6%'
    >>> most_likely("97% right on 90 training rows")
    '97% right on 90 training rows'
    """
    before, colon, values = evidence.rpartition(": ")
    shares = [(value, share) for value in values.split(BETWEEN) if (share := SHARE.search(value))]
    few = [value for value, share in shares if int(share[1]) < least]
    if len(few) < 2 or len(shares) < len(values.split(BETWEEN)) or len(few) == len(shares):
        return evidence
    left = sum(int(share[1]) for value, share in shares if value in few)
    named = [value for value, _ in shares if value not in few]
    return f"{before}{colon}{BETWEEN.join([*named, f'{len(few)} others, together {left}%'])}"


def unknown_activation(found: Evidence) -> Iterator[Seen]:
    """Name the layers whose activation is not known, so that only their pre-activations are."""
    unknown = sorted({layer.name for layer in found.model.layers if layer.activation == "custom"})
    if unknown:
        yield Seen(
            f"{', '.join(unknown)}: an activation of its own making follows, so output ranges and means are those of z,"
            " and intervention levels with them."
        )
