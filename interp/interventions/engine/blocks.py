"""One block of rows: a network up to its site, and its unperturbed outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from interp.interventions.engine.answers import Answers, Scoring
from interp.interventions.engine.outcomes import Outcomes
from interp.interventions.engine.sites import UNCHANGED, Site, State
from interp.network.inputs import as_tensor, device_of
from interp.types import Array, LoadedModel


@dataclass(frozen=True)
class Block:
    """One block of rows at a site, with the unperturbed run.

    Attributes
    ----------
    state
        Network run up to the site.
    answers
        Labels or targets of the rows.
    classes
        Number of outputs of the network, C.
    scores
        Per-sample scores of the unperturbed network, (1, B), as in `Outcomes`.
    loss
        Sum of the rows' losses, (1,).
    unknown
        Number of rows whose unperturbed output is not a number.
    """

    state: State
    answers: Answers
    classes: int
    scores: Tensor
    loss: Tensor
    unknown: int

    def outcomes_of(self, outputs: list[Tensor], edits: list[int]) -> Outcomes:
        """Score the outputs (B, C) of full passes under some edits."""
        return Outcomes(edits, *self.answers.outcomes(outputs))


def open_block(model: LoadedModel, site: Site, inputs: Array, scoring: Scoring, rows: slice) -> Block:
    """Run a network up to a site, and to its end, on some rows of a split's inputs (S, D)."""
    x = as_tensor(inputs[rows], model.scaling, model.input_shape).to(device_of(model.module))
    state = site.at(x)
    outputs = state.outputs(UNCHANGED)
    answers, unknown = scoring.answers(rows, outputs)
    return Block(state, answers, outputs.shape[1], *answers.outcomes([outputs]), unknown)
