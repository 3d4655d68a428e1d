import numpy as np
import pandas as pd

from interp.types import Effects
from interp.types.effects import MEASURED

COST = dict.fromkeys(MEASURED.split(), 0.5)
WHOLE = pd.DataFrame([{"layer": "a", "intervention": "clip", "level": np.nan, "no_op": True, "split": "train", **COST}])
SINGLE = pd.DataFrame([{"layer": "a", "node": 3, "intervention": "zero-ablation", "split": "train", **COST}])


def test_one_table_of_whole_layers_and_single_nodes():
    table = Effects(WHOLE, SINGLE, {}, {}).table
    assert table["node"].isna().tolist() == [True, False]
    assert table["node"].iloc[1] == 3
    assert table["no_op"].tolist() == [True, False]
    assert table["level"].isna().all()
    assert table.groupby("intervention")["score"].sum().to_dict() == {"clip": 0.5, "zero-ablation": 0.5}


def test_one_table_of_either_alone_or_of_nothing():
    assert Effects(WHOLE, pd.DataFrame(), {}, {}).table["node"].isna().all()
    assert Effects(pd.DataFrame(), SINGLE, {}, {}).table["node"].tolist() == [3]
    empty = Effects(pd.DataFrame(), pd.DataFrame(), {}, {}).table
    assert empty.empty
    assert {"layer", "node", "level", "score"} <= set(empty.columns)
