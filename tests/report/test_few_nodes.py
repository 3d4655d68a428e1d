"""Of few nodes the page gives the number and no interval."""

import numpy as np
from tiny_runs import mlp

from interp.report.sections.layers import section
from interp.report.selection.lookup import coherent_share


def test_a_share_of_few_nodes_stands_with_their_number():
    found = mlp()
    table = section(found).tables[0].frame
    for row, (name, boundaries) in zip(table.to_dict("records"), found.boundaries.items(), strict=False):
        assert row["layer"].text == name
        share = coherent_share(boundaries)
        assert boundaries.classified < 26
        assert np.isnan([share.low, share.high]).all()
        assert (
            row["boundary near a cluster"].note
            == f"{round(share.value * boundaries.classified)} of {boundaries.classified}"
        )
