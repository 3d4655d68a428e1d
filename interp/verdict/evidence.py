"""Results that a verdict is made of, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from interp.analysis.statistics import LEAST_SCORED
from interp.network.inputs import outputs_on
from interp.tasks import Task, find_task, simple_model
from interp.tasks.simple import Simple
from interp.types import (
    Array,
    Attribution,
    Boundaries,
    Dataset,
    Effects,
    LayerVerdict,
    Limit,
    LoadedModel,
    ReadingProfile,
    Screening,
)
from interp.types.annotations.frames import pd
from interp.verdict.layers import layer_verdicts
from interp.verdict.lead import lead_interval


def no_effects() -> Effects:
    """Give the costs of interventions where none was made."""
    return Effects(pd.DataFrame(), pd.DataFrame(), {}, {})


@dataclass(frozen=True)
class Evidence:
    """Results of one run, before they are summed up.

    Attributes
    ----------
    model
        Network that was looked at.
    data
        Data set that it was looked at with.
    boundaries
        Layer name -> kinds of its boundaries.
    effects
        Cost of interventions on layers and nodes.
    attribution
        Layer name -> importance of its nodes.
    reading
        Layer name -> what of its nodes' outputs the decision hangs on.
    limits
        Parts of the network and of the data that were not looked at.
    screening
        Layer name -> nodes that do the same, and nodes that are saturated.
    confusion
        Split -> number of samples of each label (rows) and prediction (columns), (C, C), where there are classes.
    stored
        Number of training samples whose activations are stored, which fits and kinds of nodes are of; None where they
        are of all.
    samples
        Number of all training samples, of which the data set holds some, as of a stream without stored activations;
        fits and kinds of nodes are of all. None where it has them all.
    said
        Checkpoint, data and options as the user gave them, `Provenance.settings`; empty where no command gives them.
    not_run
        Names of the stages that were left out, of which there are no results.
    """

    model: LoadedModel
    data: Dataset
    boundaries: Mapping[str, Boundaries] = field(default_factory=dict)
    effects: Effects = field(default_factory=no_effects)
    attribution: Mapping[str, Attribution] = field(default_factory=dict)
    reading: Mapping[str, ReadingProfile] = field(default_factory=dict)
    limits: Sequence[Limit] = ()
    screening: Mapping[str, Screening] = field(default_factory=dict)
    confusion: Mapping[str, Array] = field(default_factory=dict)
    stored: int | None = None
    samples: int | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    not_run: Sequence[str] = ()

    @property
    def task(self) -> Task:
        """Task of the network, with its score and words."""
        return find_task(self.model.task)

    @property
    def fitted(self) -> int:
        """Number of training samples that fits and kinds of nodes are of."""
        known = (self.stored, self.samples, len(self.data.train))
        return next(count for count in known if count is not None)

    @property
    def screened(self) -> int:
        """Number of training samples that single values, and so nodes that repeat others or are saturated, are of."""
        return len(self.data.train) if self.stored is None else self.stored

    @property
    def screened_words(self) -> str:
        """Training samples that single values are of, where those are some, as a sentence names them; else empty."""
        if self.stored is not None:
            return f"{self.stored:,} stored training samples"
        return "" if self.samples is None else f"{len(self.data.train):,} training samples that are held"

    @property
    def fitted_words(self) -> str:
        """Training samples that fits and kinds of nodes are of, as a sentence names them."""
        return "the training samples" if self.stored is None else f"{self.stored:,} stored training samples"

    @cached_property
    def simple(self) -> Simple | None:
        """Simple model of the training samples, scored on the test samples; None where either has no answers."""
        train, test = self.data.train, self.data.splits.get("test")
        known, asked = self.task.answers(train), None if test is None else self.task.answers(test)
        if known is None or asked is None or test is None or "test" not in self.model.scores:
            return None
        return simple_model(self.model.task, train.inputs, known, test.inputs, asked)

    @cached_property
    def lead(self) -> tuple[float, float]:
        """Ends of the 95 % interval of the network's R² less the simple model's on the test samples; NaN for none."""
        test, simple = self.data.splits.get("test"), self.simple
        known = None if test is None else self.task.answers(test)
        if known is None or test is None or simple is None or simple.predictions is None:
            return float("nan"), float("nan")
        if self.task.score.key != "r2" or len(test) < LEAST_SCORED:
            return float("nan"), float("nan")
        return lead_interval(outputs_on(self.model, test.inputs).numpy(), simple.predictions, known)

    @cached_property
    def layers(self) -> tuple[LayerVerdict, ...]:
        """What is read of the layers that the reading was asked for."""
        return layer_verdicts(self.reading)

    @property
    def hidden(self) -> list[str]:
        """Names of the layers before the last; the name of the only layer where there is one."""
        return [layer.name for layer in self.model.hidden or self.model.layers]

    @property
    def hidden_boundaries(self) -> dict[str, Boundaries]:
        """Layer name -> boundaries, of the hidden layers that were analysed."""
        return {name: self.boundaries[name] for name in self.hidden if name in self.boundaries}
