"""What a task is: how outputs are scored, what they are compared with, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interp.types import Array, Scaling, Split

if TYPE_CHECKING:
    from torch import Tensor

    from interp.tasks.targets import Seen

Scorer = Callable[["Tensor", "Tensor", str], "tuple[Tensor, Tensor]"]
"""(outputs (B, C), answers of these rows, `LoadedModel.output`) -> scores (B,), losses (B,).

Scores are booleans where rows are right or wrong, else float64 at most 1; the score of a set of rows is their mean, for
every task, so that means, intervals and paired tests are the same code.
"""


@dataclass(frozen=True)
class Score:
    """A measure of how well outputs answer: at most 1, which is perfect.

    Attributes
    ----------
    key
        Its name in JSON.
    words
        Its name in sentences and tables.
    share
        Whether it is the share of right rows; else it is a mean over rows, such as R².
    """

    key: str
    words: str
    share: bool = True

    @property
    def point(self) -> str:
        """A change of 0.01, in words."""
        return "one point" if self.share else "0.01"

    def shown(self, value: float) -> str:
        """Print a value: a share as a percentage, another as a number."""
        return f"{value:.2%}" if self.share else f"{value:.4f}"


def nothing(*_: object) -> str:
    """Say nothing: where a task has nothing to say of what it is given."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network is asked for.

    Attributes
    ----------
    name
        Name on the command line, in files and on the page.
    score
        The measure of how well outputs answer.
    answers
        Gives what outputs are compared with, one row a sample: labels (S,), targets (S, T) or inputs (S, D) of a split;
        None where the split has none.
    scorer
        (answers of all rows, scaling of the inputs) -> what scores outputs against them.
    own_answers
        (unperturbed outputs (B, C), `LoadedModel.output`) -> answers that other outputs can be compared with.
    own_scorer
        (unperturbed outputs (S, C) of all rows) -> what scores outputs against `own_answers`.
    chance
        (answers of all rows) -> score of the best answer that ignores the inputs.
    stand_ins
        (centred inputs (S, D), answers, width of the last hidden layer or None, seed) -> name of a model that needs no
        training -> score that a network of this size should reach at least.
    check
        (where, answers, number of outputs): raises `InterpError` where such a network cannot give such answers.
    from_labels
        (labels (S,), number of outputs) -> the targets (S, T) of a split that has labels only; None where labels are
        the answers, or play no part.
    recognised
        (what is seen of data and outputs) -> why it is this task; empty where it is not.
    doubt
        (outputs, answers, `LoadedModel.output`) of training rows -> what of the outputs training would have removed;
        empty where nothing.
    counted
        Whether every answer is one class index, so that rows are right or wrong, and counted by class.
    right
        What a share of rows is, after the figure.
    explained
        The number that is attributed to nodes, in words.
    unseen
        What may follow the last layer without a trace in the score; empty where nothing.
    described_targets
        What the page says of the targets; empty to count them.
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
    from_labels: Callable[[Array, int], Array] | None = None
    recognised: Callable[[Seen], str] = nothing
    doubt: Callable[[Tensor, Tensor, str], str] = nothing
    counted: bool = False
    right: str = "right"
    explained: str = "the largest output"
    unseen: str = ""
    described_targets: str = ""

    @property
    def measured(self) -> bool:
        """Whether outputs are measured values, whose score is no share of right rows."""
        return not self.score.share

    def described(self, value: float) -> str:
        """Say a score in words, such as ``94.38% right`` or ``R² 0.8125``."""
        shown = self.score.shown(value)
        return f"{shown} {self.right}" if self.score.share else f"{self.score.words} {shown}"
