"""What tables hold stands on the fields: every table of real runs has those columns, and no others."""

import pytest
from tiny_runs import colours, one_node, several_mlps, unlabelled

from interp import types
from interp.types.annotations.fields import field_types, table_columns


def tables_of(results):
    """Yield every table of a run with the class and name of its field."""
    found = [results.effects, results.runs, *(one for found in results.clusters.values() for one in found)]
    for result in filter(None, found):
        for name in field_types(type(result)):
            if type(getattr(result, name)).__name__ == "DataFrame":
                yield type(result), name, getattr(result, name)


@pytest.mark.parametrize("run", [several_mlps, unlabelled, colours, one_node])
def test_a_table_has_the_columns_that_its_field_says(run):
    for cls, name, table in tables_of(run()):
        if len(table):
            assert sorted(table) == sorted(table_columns(cls, name)), (cls, name)


def test_a_run_of_several_networks_fills_every_table():
    """Else the test above would pass by what it does not see."""
    empty = [(cls.__name__, name) for cls, name, table in tables_of(several_mlps()) if table.empty]
    assert not empty
    assert {cls for cls, _, _ in tables_of(several_mlps())} == {types.Effects, types.RunEffects, types.ClusterMatch}


def test_what_is_no_table_has_no_columns():
    with pytest.raises(ValueError, match=r"Effects\.baseline is no table"):
        table_columns(types.Effects, "baseline")
    with pytest.raises(ValueError, match=r"Effects\.bogus is no table"):
        table_columns(types.Effects, "bogus")
