"""Tables are told without importing pandas, and answers are those of pandas where it is."""

import numpy as np
import pandas
import pytest

from interp.types.annotations import frames


class Own(pandas.DataFrame):
    """A table of a user's own class."""


@pytest.mark.parametrize(
    ("value", "is_frame", "is_of_pandas"),
    [
        (pandas.DataFrame(), True, True),
        (Own({"a": [1]}), True, True),
        (pandas.Series([1.0]), False, True),
        (pandas.NA, False, True),
        (pandas.array([1, None]), False, True),
        (np.zeros(2), False, False),
        ({"a": [1]}, False, False),
        (pandas, False, False),
    ],
)
def test_values_of_pandas_are_told(value, is_frame, is_of_pandas):
    assert frames.is_frame(value) is is_frame
    assert frames.is_frame_type(type(value)) is is_frame
    assert frames.is_of_pandas(value) is is_of_pandas


def test_nothing_is_a_table_before_pandas_is_imported(monkeypatch):
    class Later:
        pass

    monkeypatch.delitem(frames.sys.modules, "pandas")
    assert not frames.is_frame(Later())
    assert not frames.is_frame_type(Later)


def test_pd_is_pandas():
    assert frames.pd.DataFrame is pandas.DataFrame
    assert frames.no_rows().equals(pandas.DataFrame())
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        frames.pd.no_such_name  # noqa: B018
