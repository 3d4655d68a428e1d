"""The published schema of compare.json: every comparison validates, and nothing in one is left undescribed."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import quick
import torch
from jsonschema import Draft202012Validator
from torch import nn

import interp
from interp.comparison.result import SCHEMA
from interp.report.comparison.page import write_comparison

FOUND = json.loads((Path(interp.__file__).parent / "report" / "comparison" / "schema.json").read_text())
VALIDATOR = Draft202012Validator(FOUND)


def network(outputs, seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, outputs))


def data(labels):
    x = np.random.default_rng(0).normal(size=(160, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0) if labels else np.abs(x[:, :1])
    return {"x_train": x[:100], "y_train": y[:100], "x_test": x[100:], "y_test": y[100:]}


@pytest.fixture(scope="module")
def found():
    """Give a whole comparison of snapshots, one of them pruned, and a brief one of regressions."""
    first = network(3, 0)
    small = copy.deepcopy(first)
    with torch.no_grad():
        small[0].weight[small[0].weight.abs() < 0.1] = 0
    with quick.few_draws():
        whole = interp.compare(first, network(3, 1), small, data=data(True), scaling="raw", snapshots=True)
        brief = interp.compare(network(1, 0), network(1, 1), data=data(False), scaling="raw", brief=True)
    return {"whole": whole, "brief": brief}


def test_the_schema_is_one_and_of_the_version_that_is_written():
    Draft202012Validator.check_schema(FOUND)
    assert FOUND["properties"]["schema"]["const"] == SCHEMA
    assert FOUND["$id"] == f"urn:interp:compare:{SCHEMA}"


@pytest.mark.parametrize("which", ["whole", "brief"])
def test_comparisons_validate(found, which):
    VALIDATOR.validate(found[which].document())


def test_every_table_is_tried(found):
    document = found["whole"].document()
    assert [name for name, part in document.items() if part == []] == ["left_out"]


def test_what_is_written_validates(found, tmp_path):
    write_comparison(found["whole"], tmp_path, "interp compare")
    VALIDATOR.validate(json.loads((tmp_path / "compare.json").read_text()))


TABLES = [name for name, part in FOUND["properties"].items() if part.get("items", {}).get("type") == "object"]


@pytest.mark.parametrize("path", [(), ("data",), *((name, 0) for name in TABLES)])
def test_what_is_not_described_or_missing_is_found(found, path):
    whole = found["whole"].document()
    for spoil in (lambda part: part.update(unheard=1), lambda part: part.pop(next(iter(part)))):
        changed = copy.deepcopy(whole)
        part = changed
        for step in path:
            part = part[step]
        spoil(part)
        assert not VALIDATOR.is_valid(changed)  # which stops at the first error
