"""Activations and the scaling of inputs, weighed in turns until each stands under the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import TryOut
from interp.checkpoints.inference.explain import Fact
from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.weighing.again.closer import Looked, looked_closer
from interp.checkpoints.inference.weighing.doubt import NOTHING, Doubt, doubt_of_slopes
from interp.checkpoints.inference.weighing.explain import explain_weighed, standing
from interp.checkpoints.inference.weighing.mixing import varies_among_convolutions
from interp.checkpoints.inference.weighing.regular.look import (
    InTraining,
    leaves_slopes,
    scalings_in_training,
    weighed_in_training,
)
from interp.checkpoints.inference.weighing.regular.run import TrainingRows
from interp.checkpoints.inference.weighing.signs import Signs
from interp.checkpoints.inference.weighing.weigh import (
    LIKELY,
    ROWS,
    Weighed,
    activations_looked_at,
    shares,
    shares_alone,
    shares_at_rest,
    some,
    weigh,
    weigh_scalings,
)
from interp.tasks import Scorer
from interp.types import Array, Inference, Scaling

TURNS = 3
"""Largest number of scalings under which activations are looked at closely, one after the other."""


@dataclass(frozen=True)
class Settled:
    """What stands of a stack.

    Attributes
    ----------
    candidate
        Candidate that stands.
    facts
        Facts that were inferred, by name.
    doubt
        Slopes that training would have removed under this candidate; None where there are none.
    is_at_chance
        Whether no candidate does better than chance, so that a conventional one stands.
    """

    candidate: Candidate
    facts: dict[str, Inference]
    doubt: Doubt | None = None
    is_at_chance: bool = False


@dataclass(frozen=True)
class Weighing:
    """Way to weigh the activations of a stack, and the scaling of its inputs.

    Attributes
    ----------
    layers
        Layers in running order, none with slopes.
    try_out
        Function that tries candidates on rows.
    scorers
        Scorer of outputs by the name of the scaling of the inputs.
    inputs
        Inputs of the training rows as stored, (S, D).
    values
        Labels of the training rows, (S,).
    scalings
        Scalings to weigh.
    facts
        Function that reads a fact off a candidate, by its name.
    task
        Name of the task.
    weighed_rows
        Largest number of training rows of which all are looked at.
    image
        Shape of one input, (channels, height, width); None where inputs are no images.
    seed
        Seed of the order in which rows are taken.
    """

    layers: Sequence[Layer]
    try_out: TryOut
    scorers: Mapping[str, Scorer]
    inputs: Array
    values: Array
    scalings: Sequence[Scaling]
    facts: Mapping[str, Fact]
    task: str
    weighed_rows: int
    image: tuple[int, int, int] | None = None
    seed: int = 0

    def __call__(self, base: Candidate, least: float) -> Settled:
        """Weigh activations, scalings under the best of them, and activations again while another scaling is likely.

        What is said of the scaling was measured on the network that stands, with the scaling that it stands with.

        Parameters
        ----------
        base
            Candidate that did best, or stands for it.
        least
            Score below which a candidate has no share of the evidence.
        """
        looked_at = self._looked_at(base)
        weighed = weigh(looked_at, least)
        likeliest = weighed[0].signs.trial.candidate
        scaled = self._scalings(likeliest, weighed, least)
        other = _another(scaled, base.scaling)
        for _ in range(TURNS):
            if other is not None:
                base = replace(base, scaling=other)
                looked_at = self._looked_at(base)
                weighed = weigh(looked_at, least)
            looked = self._closer(weighed)
            stands = standing(looked.weighed)
            trained = self._in_training(looked_at, looked.on_batches.get(stands.trial.candidate, stands), least)
            if trained is not None:
                looked = Looked(trained.weighed, True, {})
            candidate = standing(looked.weighed).trial.candidate
            if candidate.activation != likeliest.activation and len(self.scalings) > 1:
                scaled = self._scalings(candidate, weighed, least)
            if trained is not None:
                scaled = scalings_in_training(self._rows, scaled, trained.how)
            elif scaled[0].share < LIKELY:  # what is likely of a scaling is so by scores, which no norm undoes
                scaled = looked_closer(scaled, shares_alone, shares_alone, *self._on).weighed
            likeliest, other = candidate, _another(scaled, base.scaling)
            if other is None:
                break
        return self._said(looked, scaled, base.scaling, least, trained)

    def _said(
        self, looked: Looked, scaled: Sequence[Weighed], scaling: Scaling, least: float, trained: InTraining | None
    ) -> Settled:
        stands, facts = standing(looked.weighed), {}
        if _are_told_apart(scaled):
            at = next(one.signs.trial for one in scaled if one.signs.trial.candidate.scaling.name == scaling.name)
            facts["input_scaling"] = explain_weighed(scaled, at, self.facts["input_scaling"], self.task, least)
        is_told = looked.is_told and not varies_among_convolutions(self.layers, stands.trial.candidate)
        facts["activation"] = explain_weighed(
            looked.weighed, stands.trial, self.facts["activation"], self.task, least, is_told
        )
        if trained is not None:
            facts["regularisation"] = trained.fact
        candidate = stands.trial.candidate
        signs = looked.on_batches.get(candidate, stands)
        return Settled(candidate, facts, doubt_of_slopes(signs, len(self.values)))

    @property
    def _on(self) -> tuple[Sequence[Layer], Mapping[str, Scorer], Array, Array, int, int]:
        return self.layers, self.scorers, self.inputs, self.values, self.weighed_rows, self.seed

    @property
    def _rows(self) -> TrainingRows:
        first = some(self.inputs, self.values, ROWS[self.layers[0].is_convolution], self.seed)
        return TrainingRows(self.layers, *first, self.scorers, self.image)

    def _looked_at(self, base: Candidate) -> list[Signs]:
        on = (self.scorers, self.inputs, self.values, self.seed)
        return activations_looked_at(self.layers, self.try_out, base, *on)

    def _in_training(self, looked_at: Sequence[Signs], stands: Signs, least: float) -> InTraining | None:
        return weighed_in_training(self._rows, looked_at, stands, least) if leaves_slopes(stands) else None

    def _closer(self, weighed: Sequence[Weighed]) -> Looked:
        return looked_closer(weighed, shares, shares_at_rest, *self._on)

    def _scalings(self, base: Candidate, weighed: Sequence[Weighed], least: float) -> list[Weighed]:
        """Weigh scalings, the own one first, so that of those with the same outputs it stays."""
        own_first = [base.scaling, *(one for one in self.scalings if one.name != base.scaling.name)]
        known = [one.signs for one in weighed]
        on = (self.scorers, self.inputs, self.values, least, self.seed)
        return weigh_scalings(self.layers, self.try_out, base, own_first, *on, known)


def _another(scaled: Sequence[Weighed], scaling: Scaling) -> Scaling | None:
    """Give the scaling that is likely in place of one that stands; None where that may stand."""
    best = scaled[0].signs.trial.candidate.scaling
    own = sum(one.share for one in scaled if one.signs.trial.candidate.scaling.name == scaling.name)
    is_clear = _are_told_apart(scaled) and (scaled[0].share >= LIKELY or not own)
    return best if is_clear and best.name != scaling.name else None


def _are_told_apart(scaled: Sequence[Weighed]) -> bool:
    """Whether scalings give several outputs, none of which has a loss of nothing."""
    return len(scaled) > 1 and min(one.signs.trial.loss for one in scaled) > NOTHING
