"""Whether the loss is stationary under the candidate that stands, as it is where training ended.

The likeliest candidate is the best of those that were tried, which says nothing of one that was not: a network under a
custom activation has a likeliest candidate too. But the slopes that it leaves are not those of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from interp.checkpoints.inference.weighing.signs import NAMES, SMALL, Signs

NOTHING = 1e-4
"""Loss below which slopes say nothing: a loss of 0 is stationary, and a few rows make what is left."""

AT_OUTPUTS, AT_OUTPUTS_OF_SEVERAL = 6.0, 2.5
"""Mean squared t value of the slopes in the output biases above which there may be a doubt; of noise it is about 1.

Several kinds of activations are chosen from many more candidates, so that less may be left of theirs.
"""

IN_WEIGHTS = 0.75
"""Mean logarithm of the squared t values of the slopes in weights above which there is a doubt beside these."""

AS_MANY = 750
"""Number of rows drawn of many from which on slopes must be larger, not surer, to speak of more than a short training.

Squared t values but for 1, which is noise, grow with the number of rows. Training on many rows is often stopped after a
few epochs at a constant learning rate, and what its last steps leave is seen on thousands of rows under any activation.
"""


@dataclass(frozen=True)
class Doubt:
    """Slopes of the loss that are left under the candidate that stands.

    Attributes
    ----------
    why
        Sentence that gives them.
    is_large
        Whether the slopes are larger than those of most trainings that were stopped before they came to rest.
    """

    why: str
    is_large: bool


def doubt_of_slopes(signs: Signs, rows: int) -> Doubt | None:
    """Say that slopes are left which training would have removed; None where there are none, or of a loss of nothing.

    Parameters
    ----------
    signs
        Signs of the candidate that stands.
    rows
        Number of training rows, of which those behind the signs are all or some.
    """
    said = dict(zip(NAMES, signs.values.tolist(), strict=True))
    at_outputs, in_weights = exp(said["slope at the outputs"]) - SMALL, exp(said["slope in weights"])
    most = AT_OUTPUTS_OF_SEVERAL if said["kinds"] > 0 else AT_OUTPUTS
    if signs.trial.loss <= NOTHING or at_outputs <= most or in_weights <= exp(IN_WEIGHTS):
        return None
    looked_at = len(signs.trial.per_sample)
    surer = max(1.0, looked_at / AS_MANY) if looked_at < rows else 1.0
    return Doubt(
        "slopes of the loss are left which training would have removed, with mean squared t values of"
        f" {at_outputs:.1f} in the output biases and {in_weights:.1f} in the weights (near 1 once training has"
        " converged)",
        at_outputs - 1 > surer * (most - 1) and in_weights - 1 > surer * (exp(IN_WEIGHTS) - 1),
    )
