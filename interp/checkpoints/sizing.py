"""Images brought to another size: where a network takes no others, and where it does better on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.few_rows import ROWS, Done, done_by, few_rows, is_poor, scores_of_rows, skill_at
from interp.checkpoints.inference.candidates.by_layer import JOINT
from interp.checkpoints.inference.candidates.trial import scores_differ
from interp.checkpoints.inference.convolutional.closing import pads_some_alone
from interp.data.images.sizes import REFITS, refitted
from interp.errors import InterpError
from interp.network.inputs import IMAGE_SIDES
from interp.tasks import find_task
from interp.types import Dataset, Inference

LARGEST_RATIO = 2.0
"""Largest ratio of the sides of images before and after; beyond it, they are more likely other data."""

COMPARED = 5000
"""Number of training rows on which a network is compared on images as they are and of another size."""

LESS = 0.15
"""Share by which the loss on images of another size must be less."""

SKILL = 0.5
"""Least share of the way from chance to perfection with which another size is taken."""


def may_be_of_another_size(found: Draft) -> bool:
    """Whether images of another size may be what it was trained on: a guessed layout takes them, and does badly.

    A stack that was trained on images of 32x32 runs on those of 28x28 too, under a padding that nobody chose.

    Parameters
    ----------
    found
        Network that runs on images as they are.
    """
    data, placed = found.data, found.facts.get("placement")
    if data is None or data.parts or data.train.labels is None or placed is None or placed.confidence == "certain":
        return False
    return found.doubt is not None or _pads_some_alone(found) or is_poor(found)


def _pads_some_alone(found: Draft) -> bool:
    """Whether some convolutions pad and others do not, as where images of another size stand for those of training.

    LeNet-5 is for images of 32x32 without padding; some programs pad those of 28x28 in it, others resize them before.
    """
    layout = None if found.settled is None else found.settled.candidate.layout
    return layout is not None and not layout.end and pads_some_alone(found.kernels, layout)


def in_better_size(found: Draft, asked: Request) -> Draft:
    """Take images padded, cut or resized to the nearest other usual size where the network does better on them.

    Parameters
    ----------
    found
        Network that runs on images as they are, with its data.
    asked
        Contents of the file, data and options.
    """
    assert asked.data is not None
    assert asked.data.image_shape is not None
    assert found.data is not None
    side = next(iter(_sides(asked.data.image_shape)), None)
    if side is None or not _is_worth_it(found, asked, side):
        return found
    few, rows = few_rows(asked.data), few_rows(found.data, COMPARED)
    tried = _done_in(side, dict(_tries(replace(asked, data=few), side)), rows)
    own = done_by(replace(found, data=rows))
    best = _best_of(tried)
    if best is None or not _does_better(tried[best], own):
        return found
    said = ", ".join(f"{name} to {side}x{side} {_figures(found, done)}" for name, done in tried.items())
    why = f"on {len(own.scores):,} training rows: {said}, as they are {_figures(found, own)}"
    taken = draft(replace(asked, data=refitted(asked.data, side, REFITS[best])))
    fact = Inference(f"{best} to {side}x{side}", "uncertain", why)
    return replace(taken, facts={**taken.facts, "image_size": fact})


def _is_worth_it(found: Draft, asked: Request, side: int) -> bool:
    """Whether another size may be better: of a network that does well it must be so as the network was read.

    Several kinds of activations may be what a wrong size made of one.
    """
    if found.settled is None or not _pads_some_alone(found):  # it is doubted or poor, since it is asked for
        return True
    activation = found.settled.candidate.activation
    if JOINT in activation or found.doubt is not None or is_poor(found):
        return True
    assert found.data is not None
    options = replace(asked.options, scaling=found.scaling.name, activation=activation)
    few = few_rows(found.data)
    tried = _done_in(side, dict(_tries(replace(asked, data=few, options=options), side)), few)
    best, own = _best_of(tried), done_by(replace(found, data=few))
    return best is not None and bool(tried[best].losses.mean() < own.losses.mean())


def _done_in(side: int, drafts: Mapping[str, Draft], rows: Dataset) -> dict[str, Done]:
    """Say how networks do on some rows whose images are brought to a size."""
    return {name: done_by(replace(other, data=refitted(rows, side, REFITS[name]))) for name, other in drafts.items()}


def _best_of(tried: Mapping[str, Done]) -> str | None:
    return min(tried, key=lambda name: float(tried[name].losses.mean()), default=None)


def _does_better(ours: Done, theirs: Done) -> bool:
    """Whether a network does clearly better on images of one size than on those of another, by its losses.

    These tell more than scores, of which a network that was trained well has few to lose; and where a wrong scaling of
    inputs makes logits too large they are of logits brought back to size.
    """
    is_less = bool(ours.losses.mean() < (1 - LESS) * theirs.losses.mean())
    return is_less and scores_differ(-ours.losses, -theirs.losses)


def _figures(found: Draft, done: Done) -> str:
    score = find_task(found.task).score.shown(float(done.scores.mean()))
    return f"{score} (loss {done.losses.mean():.3g})"


def in_another_size(asked: Request) -> Draft | None:
    """Draft with images padded, cut or resized to the nearest usual size that the network takes; None if it is bad.

    Parameters
    ----------
    asked
        Contents of the file, data and options; images as they are fit no layout.
    """
    data = asked.data
    if (
        data is None
        or data.image_shape is None
        or data.parts
        or (data.train.labels is None and data.train.targets is None)
    ):
        return None
    few = few_rows(data)
    for side in _sides(data.image_shape):
        drafts = dict(_tries(replace(asked, data=few), side))
        if not drafts:
            continue
        scores = {name: scores_of_rows(found) for name, found in drafts.items()}
        tried = {name: skill_at(found, float(scores[name].mean())) for name, found in drafts.items()}
        best = max(tried, key=lambda name: tried[name])
        if tried[best] < SKILL:
            return None
        is_told = len(scores) > 1 and all(
            scores_differ(scores[best], other) for name, other in scores.items() if name != best
        )
        found = draft(replace(asked, data=refitted(data, side, REFITS[best])))
        said = _fact(data.image_shape, side, best, tried, is_told)
        return replace(found, facts={**found.facts, "image_size": said})
    return None


def _sides(shape: tuple[int, int, int]) -> list[int]:
    """List usual sides of images, the nearest first, that are not much smaller or larger."""
    own = max(shape[1:])
    near = [side for side in IMAGE_SIDES if (side, side) != shape[1:] and max(side / own, own / side) <= LARGEST_RATIO]
    return sorted(near, key=lambda side: abs(side - own))


def _tries(asked: Request, side: int) -> Iterator[tuple[str, Draft]]:
    """Yield how images were brought to a size, and the network that does best on them, where it takes them."""
    assert asked.data is not None
    for name, refit in REFITS.items():
        try:
            yield name, draft(replace(asked, data=refitted(asked.data, side, refit), weighs=False))
        except InterpError:
            continue


def _fact(shape: tuple[int, int, int], side: int, best: str, tried: dict[str, float], is_told: bool) -> Inference:
    said = ", ".join(f"{name} {skill:.0%}" for name, skill in tried.items())
    why = (
        f"the network takes no images of {shape[1]}x{shape[2]}; of the way from chance to perfection on up to {ROWS:,}"
        f" training rows: {said}"
    )
    return Inference(f"{best} to {side}x{side}", "likely" if is_told else "uncertain", why)
