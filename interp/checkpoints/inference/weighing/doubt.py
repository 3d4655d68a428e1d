"""Whether the loss is stationary under the candidate that stands, as it is where training ended.

The likeliest candidate is the best of those that were tried, which says nothing of one that was not: a network under a
custom activation has a likeliest candidate too. But the slopes that it leaves are not those of noise.
"""

from __future__ import annotations

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


def doubt_of_slopes(signs: Signs) -> str:
    """Say that slopes are left which training would have removed; empty where there are none, or of a loss of nothing.

    Parameters
    ----------
    signs
        Signs of the candidate that stands.
    """
    said = dict(zip(NAMES, signs.values.tolist(), strict=True))
    at_outputs, in_weights = exp(said["slope at the outputs"]) - SMALL, said["slope in weights"]
    most = AT_OUTPUTS_OF_SEVERAL if said["kinds"] > 0 else AT_OUTPUTS
    if signs.trial.loss <= NOTHING or at_outputs <= most or in_weights <= IN_WEIGHTS:
        return ""
    return (
        "slopes of the loss are left which training would have removed, with mean squared t values of"
        f" {at_outputs:.1f} in the output biases and {exp(in_weights):.1f} in the weights (near 1 once training has"
        " converged)"
    )
