"""What a task is: how outputs are scored, with what they are compared, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interp.types import Array, Scaling, Split

if TYPE_CHECKING:
    from torch import Tensor

    from interp.tasks.simple_fits import Fitted
    from interp.tasks.targets import Seen

Scorer = Callable[["Tensor", "Tensor", str], "tuple[Tensor, Tensor]"]
"""Function of outputs (B, C), answers of these rows and `LoadedModel.output` that gives scores (B,) and losses (B,).

Scores are booleans where rows are right or wrong, else float64 of at most 1. The score of a set of rows is their mean,
for every task, so that means, intervals and paired tests are the same code.
"""


@dataclass(frozen=True)
class Score:
    """A measure of how good outputs are: at most 1, which is perfect.

    Attributes
    ----------
    key
        Name of the score in JSON.
    words
        Name of the score in sentences and tables.
    share
        Whether the score is the share of right rows; otherwise a mean over rows, such as R².

    Examples
    --------
    >>> Score("accuracy", "accuracy").shown(0.9438), Score("r2", "R²", share=False).shown(0.8125)
    ('94.38%', '0.8125')
    """

    key: str
    words: str
    share: bool = True

    @property
    def point(self) -> str:
        """Words for a change by 0.01."""
        return "one point" if self.share else "0.01"

    def shown(self, value: float) -> str:
        """Write a value: a share as a percentage, any other as a number."""
        return f"{value:.2%}" if self.share else f"{value:.4f}"


def nothing(*_: object) -> str:
    """Give an empty text: the default of what a task may say."""
    return ""


def always(*_: object) -> bool:
    """Say yes: the default of what a task may tell."""
    return True


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network is asked for.

    Attributes
    ----------
    name
        Name on the command line, in files and on the page.
    score
        Measure of how good the outputs are.
    answers
        Function of a split that gives what outputs are compared with, one row for each sample: labels (S,), targets
        (S, T) or inputs (S, D); None where the split has none.
    scorer
        Function of the answers of all rows and the scaling of the inputs that gives the scorer of outputs.
    own_answers
        Function of unperturbed outputs (B, C) and `LoadedModel.output` that gives the answers with which outputs of
        edited networks are compared where the data have none.
    own_scorer
        Function of the unperturbed outputs of all rows (S, C) that gives the scorer for `own_answers`.
    chance
        Function of the answers of all rows that gives the score of the best constant answer.
    stand_ins
        Function of centred inputs (S, D), answers, the width of the last hidden layer or None, and a seed that gives
        the names of models which need no training, with scores that a network of this size should reach at least.
    simple
        Function of centred inputs (S, D) and answers of training samples that fits a simple model, and gives plain
        words for it, its function that predicts answers, and one that scores these; None for none.
    check
        Function of a place for the error, answers and the number of outputs that raises `InterpError` where such a
        network cannot give such answers.
    from_labels
        Function of labels (S,) and the number of outputs that gives the targets (S, T) of a split that has labels
        only; None where labels are the answers, or are not used.
    takes_targets
        Function of `Seen` that tells whether targets of the data are answers; they are left out where they are not.
    recognised
        Function of `Seen` that gives the evidence for this task; empty where there is none.
    doubt
        Function of outputs, answers and `LoadedModel.output` of training rows that says which errors training would
        have removed; empty where there are none.
    narrowed
        Whether stand-ins are given the narrowest width of the network, through which all has to pass, in place of the
        last hidden layer's.
    counted
        Whether every answer is one class index, so that rows are right or wrong, and counted by class.
    right
        Word after a share of rows, such as ``right`` in "94 % right".
    explained
        Words for the number that is attributed to nodes.
    unseen
        Sentence about functions after the last layer that change no score, and so cannot be seen; empty where there
        are none.
    asked
        Words for what the network is there for, after "for": ``naming the class of an input``; empty for none.
    described_targets
        Words of the page for the targets; empty where it counts them.
    """

    name: str
    score: Score
    answers: Callable[[Split], Array | None]
    scorer: Callable[[Array, Scaling], Scorer]
    own_answers: Callable[[Tensor, str], Tensor]
    own_scorer: Callable[[Array], Scorer]
    chance: Callable[[Array], float]
    stand_ins: Callable[[Tensor, Tensor, int | None, int], Mapping[str, float]]
    check: Callable[[str, Array, int], None]
    simple: Callable[[Tensor, Tensor], Fitted] | None = None
    from_labels: Callable[[Array, int], Array] | None = None
    takes_targets: Callable[[Seen], bool] = always
    recognised: Callable[[Seen], str] = nothing
    doubt: Callable[[Tensor, Tensor, str], str] = nothing
    narrowed: bool = False
    counted: bool = False
    right: str = "right"
    explained: str = "the largest output"
    unseen: str = ""
    asked: str = ""
    described_targets: str = ""

    @property
    def measured(self) -> bool:
        """Whether outputs are measured values, so that the score is no share of right rows."""
        return not self.score.share

    def scorer_of(self, split: Split, values: Array, scaling: Scaling) -> Scorer:
        """Give the scorer for a split: inputs are compared with as the network sees them, targets as they are given.

        Parameters
        ----------
        split
            Split that the answers are of.
        values
            Answers of all rows that are scored, from `answers`.
        scaling
            Scaling of the inputs.
        """
        return self.scorer(values, scaling if self.answers(split) is split.inputs else Scaling("raw"))

    def described(self, value: float) -> str:
        """Write a score in words, such as ``94.38% right`` or ``R² 0.8125``."""
        shown = self.score.shown(value)
        return f"{shown} {self.right}" if self.score.share else f"{self.score.words} {shown}"
