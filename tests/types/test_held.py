from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pandas as pd
import pytest
from store.golden import RESULTS, RESULTS_2, RESULTS_3, RESULTS_4, RESULTS_5

from interp.types import Array
from interp.types.annotations.held import check_shapes, missing_columns
from interp.types.annotations.shapes import Columns, Shape

FIT = RESULTS["gaussians"][1]["features.0"]
BOUNDARIES = RESULTS["boundaries"][1]["features.0"]
PROTOTYPES = RESULTS["prototypes"][1]["features.0"]
CLUSTERS = RESULTS["clusters"][1]["head"][1]


@pytest.mark.parametrize("results", [RESULTS, RESULTS_2, RESULTS_3, RESULTS_4, RESULTS_5])
def test_results_of_every_version_are_as_their_classes_say(results):
    for _, found in results.values():
        for result in found.values():
            for part in result if isinstance(result, tuple) else (result,):
                check_shapes(part)


def test_lengths_of_the_axes_are_given():
    assert check_shapes(FIT) == {"N": 2, "C": 3, "K": 5, "B": 4}
    assert check_shapes(PROTOTYPES) == {"M": 2, "D": 3, "I": 4, "T": 3, "P": 0, "W": 3}


ODD = {
    "number as text": (FIT, {"count": "many"}, r"GaussianFit\.count: found 'many'; expected a whole number"),
    "axes": (FIT, {"var": np.ones(3)}, r"GaussianFit\.var: found shape \(3,\); expected \(N,\) where N = 2"),
    "kind": (
        FIT,
        {"components": np.ones(2)},
        r"GaussianFit\.components: found float64 .* \(N,\) of whole numbers",
    ),
    "nothing": (FIT, {"mean": None}, r"GaussianFit\.mean: found None; expected an array"),
    "text": (
        BOUNDARIES,
        {"kind": np.ones(4)},
        r"Boundaries\.kind: found float64 .*; expected an array \(N,\) of text",
    ),
    "in a mapping": (BOUNDARIES, {"null_low": {"x": np.ones(4)}}, r"Boundaries\.null_low\['x'\]: found shape \(4,\)"),
    "no mapping": (
        BOUNDARIES,
        {"null_low": np.ones(3)},
        r"Boundaries\.null_low: found float64 .*; expected a mapping",
    ),
    "inner class": (BOUNDARIES, {"thresholds": None}, r"Boundaries\.thresholds: found None; expected a Thresholds"),
    "inner field": (
        BOUNDARIES,
        {"thresholds": replace(BOUNDARIES.thresholds, epsilon="0.1")},
        r"Boundaries\.thresholds\.epsilon: found '0.1'; expected a number from 0 to 1,000,000",
    ),
    "choice": (
        BOUNDARIES,
        {"thresholds": replace(BOUNDARIES.thresholds, rule="best")},
        "thresholds.rule: found 'best'; expected one of mixture, mean",
    ),
    "two deep": (
        CLUSTERS,
        {"null_distance": {"a": {"b": np.ones((2, 2))}}},
        r"ClusterMatch\.null_distance\['a'\]\['b'\]: found float64 of shape \(2, 2\); expected an array \(R,\)",
    ),
    "table": (CLUSTERS, {"agreement": {}}, r"ClusterMatch\.agreement: found a dict; expected a table"),
    "text column": (
        CLUSTERS,
        {"agreement": pd.DataFrame({"pair": [1], "ari": [0.5]})},
        r"ClusterMatch\.agreement: found other values in pair",
    ),
    "number column": (
        CLUSTERS,
        {"accuracy": pd.DataFrame({"classifier": ["a"], "samples": ["many"]})},
        r"ClusterMatch\.accuracy: found other values in samples",
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_not_as_the_class_says_is_named(case):
    result, changes, message = ODD[case]
    with pytest.raises(ValueError, match=message):
        check_shapes(replace(result, **changes))


def test_fields_that_may_be_none_are_checked_where_they_are_not():
    check_shapes(replace(FIT, sampled=None))
    with pytest.raises(ValueError, match=r"GaussianFit\.sampled: found float64 .* \(M,\) of whole numbers"):
        check_shapes(replace(FIT, sampled=np.ones(1)))


@dataclass(frozen=True)
class Own:
    """A result that a user wrote."""

    rows: Annotated[Array, Shape("2 N", or_empty=True)]
    table: Annotated[pd.DataFrame, Columns("name", "size")]
    anything: object = None


def test_a_users_own_result_is_checked_too():
    table = pd.DataFrame({"name": ["a"]})
    assert check_shapes(Own(np.ones((2, 3)), table)) == {"N": 3}
    check_shapes(Own(np.ones((0, 3)), table, {"a": 1}))
    with pytest.raises(ValueError, match=r"Own\.rows: found shape \(3, 3\); expected \(2, N\)"):
        check_shapes(Own(np.ones((3, 3)), table))
    assert missing_columns(Own(np.ones((2, 3)), table)) == ["table.size"]
    assert missing_columns(Own(np.ones((2, 3)), table[:0])) == []
