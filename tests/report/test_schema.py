"""The published schema of report.json: every report validates, and nothing in one is left undescribed."""

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tiny_runs import colours, mlp, several_mlps, unlabelled

import interp
from interp.report.document.document import SCHEMA, document

from .planted import nothing_analysed

FOUND = json.loads((Path(interp.__file__).parent / "report" / "schema.json").read_text())
VALIDATOR = Draft202012Validator(FOUND)


def test_the_schema_is_one_and_of_the_version_that_is_written():
    Draft202012Validator.check_schema(FOUND)
    assert FOUND["properties"]["schema"]["const"] == SCHEMA
    assert FOUND["$id"] == f"urn:interp:report:{SCHEMA}"


@pytest.mark.parametrize(
    "results", [several_mlps, unlabelled, colours, lambda: nothing_analysed(mlp())], ids=["mlps", "bare", "cnn", "none"]
)
def test_reports_validate(results):
    VALIDATOR.validate(document(results()))


@pytest.mark.parametrize("path", [(), ("model",), ("nodes", 0), ("layers", 0), ("alerts", 0), ("verdict",)])
def test_what_is_not_described_or_missing_is_found(path):
    whole = document(mlp())
    for spoil in (lambda part: part.update(unheard=1), lambda part: part.pop(next(iter(part)))):
        changed = copy.deepcopy(whole)
        part = changed
        for step in path:
            part = part[step]
        spoil(part)
        assert not VALIDATOR.is_valid(changed)  # which stops at the first error


def objects(schema):
    """Every schema of an object within a schema."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_no_object_takes_what_it_does_not_name():
    found = [part for part in objects(FOUND) if "required" in part]
    assert len(found) > 30
    assert all(part["additionalProperties"] is False for part in found)
