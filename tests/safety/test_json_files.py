"""JSON files: what is too long, no mapping or no JSON is refused in one line, by the reader's own error."""

import os

import pytest

from interp.errors import CheckpointError, DataError
from interp.safety import json_files, read_json, read_mapping


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"{", "Expecting"),
        (b"[1]", "a list"),
        (b"\xff", "decode"),
        (b"[" * 100_000, "recursion"),
        (b" " * (json_files.LONGEST + 1), "5,000,001 bytes"),
        (None, "No such file"),
    ],
)
@pytest.mark.parametrize("error", [CheckpointError, DataError])
def test_what_is_no_small_mapping_is_refused(tmp_path, content, found, error):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=rf"no readable JSON \(.*{found}.*\); expected names and values; save it again"):
        read_mapping(path, error, "save it again")


def test_names_and_values(tmp_path):
    (tmp_path / "config.json").write_text('{"a": [1]}')
    assert read_mapping(tmp_path / "config.json", DataError, "save it again") == {"a": [1]}


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ValueError, match="no regular file"):
        read_json(tmp_path / "config.json")


def test_any_value_up_to_a_size(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    assert read_json(tmp_path / "a.json", longest=6) == [1, 2]
    with pytest.raises(ValueError, match="6 bytes"):
        read_json(tmp_path / "a.json", longest=5)
