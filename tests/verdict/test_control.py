"""What a layer tolerates, in words."""

from dataclasses import replace

import numpy as np
import pandas as pd

from interp.interventions.readouts.tolerance import Compared
from interp.verdict.control import beside_control


def test_a_layer_that_tolerates_nothing_is_said_to():
    """It was said to tolerate 1 to 1 times its activations, and shifts from -0.0 %."""
    own = {"scale_low": 1.0, "scale_high": 1.0, "offset_low": -0.0002, "offset_high": 0.0, "ratio": np.nan}
    found = Compared(own, pd.DataFrame({"ratio": [1.0, 2.0]}))
    said = beside_control("fc1", found, measured=False)
    assert "survive no other factor on the activations and no shift." in said
    wide = replace(found, given=found.given | {"scale_low": 0.5, "offset_high": 0.1})
    said = beside_control("fc1", wide, measured=False)
    assert "survive 0.5 to 1 times the activations and shifts from 0.0% to +10.0%." in said
