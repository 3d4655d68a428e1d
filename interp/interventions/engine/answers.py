"""What the rows of a split are scored against: class labels, or what the task's scorer reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interp.interventions.engine.outcomes import no_loss, right_and_loss
from interp.tasks import NO_PREDICTION, Scorer, Task, predict
from interp.types import Array


@dataclass(frozen=True)
class ClassAnswers:
    """Labels of the rows of one block.

    Attributes
    ----------
    labels
        Class of each row, (B,) int64: its label, or the unperturbed network's prediction where there are none.
    form
        Form of the network's outputs, `LoadedModel.output`.
    losses
        Whether losses are wanted; without labels they mean nothing.
    """

    labels: Tensor
    form: str
    losses: bool

    def outcomes(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Give which rows are right (E, B) and the summed losses (E,) from the outputs (B, C) under each edit."""
        return right_and_loss(outputs, self.labels, self.form, self.losses)


@dataclass(frozen=True)
class ScorerAnswers:
    """Labels or targets of the rows of one block, and the scorer that compares outputs with them.

    Attributes
    ----------
    scorer
        Function of outputs, answers and the form of the outputs; gives per-sample scores and losses.
    values
        Labels, targets or inputs of the rows, or the unperturbed network's outputs, (B, ...).
    form
        Form of the network's outputs, `LoadedModel.output`.
    losses
        Whether losses are wanted.
    """

    scorer: Scorer
    values: Tensor
    form: str
    losses: bool

    def outcomes(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Give the per-sample scores (E, B) and the summed losses (E,) from the outputs (B, C) under each edit."""
        scored = [self._scored(each) for each in outputs]
        loss = torch.stack([each for _, each in scored]) if self.losses else no_loss(len(outputs))
        return torch.stack([scores for scores, _ in scored]), loss.cpu()

    def _scored(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        scores, losses = self.scorer(outputs, self.values, self.form)
        if scores.dtype == torch.bool:  # one whose output is not a number is wrong
            return scores & outputs.isfinite().all(1), losses.double().sum()
        return scores.double(), losses.double().sum()


Answers = ClassAnswers | ScorerAnswers


@dataclass(frozen=True)
class ByClass:
    """Scoring of rows that are right or wrong about one class each.

    Attributes
    ----------
    labels
        Class of each sample of the split, (S,); None for the unperturbed network's predictions.
    form
        Form of the network's outputs, `LoadedModel.output`.
    losses
        Whether losses are wanted beside counts.
    """

    labels: Array | None
    form: str
    losses: bool

    def answers(self, rows: slice, outputs: Tensor) -> tuple[ClassAnswers, int]:
        """Give the answers of some rows, and how many of the unperturbed outputs (B, C) are not numbers."""
        guess = predict(outputs, self.form)
        labels = guess if self.labels is None else torch.from_numpy(self.labels[rows]).to(guess.device)
        wanted = self.losses and self.labels is not None
        return ClassAnswers(labels.clamp_min(0), self.form, wanted), int((guess == NO_PREDICTION).sum())


@dataclass(frozen=True)
class ByScorer:
    """Scoring of rows by the task's scorer.

    Attributes
    ----------
    scorer
        Function of outputs, answers and the form of the outputs; gives per-sample scores and losses.
    values
        Labels, targets or inputs of the split, (S, ...); None for the unperturbed network's own answers.
    task
        Task that says how the unperturbed network answers.
    form
        Form of the network's outputs, `LoadedModel.output`.
    """

    scorer: Scorer
    values: Array | None
    task: Task
    form: str

    def answers(self, rows: slice, outputs: Tensor) -> tuple[ScorerAnswers, int]:
        """Give the answers of some rows, and how many of the unperturbed outputs (B, C) are not finite."""
        if self.values is None:
            values = self.task.own_answers(outputs.clone(), self.form)
        else:
            values = torch.from_numpy(self.values[rows])
        unknown = int((~outputs.isfinite()).any(1).sum())
        return ScorerAnswers(self.scorer, values.to(outputs.device), self.form, self.values is not None), unknown


Scoring = ByClass | ByScorer
