"""Parquet files, and data sets as the datasets library saves them: needs pyarrow, not that library."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from interp.data import load_dataset
from interp.errors import DataError

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")

FRAME = pd.DataFrame({"a": [0.5, 1.5, 2.5], "b": [1, 2, 3], "label": [0, 1, 0]})
FEATURES = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}


def png(value):
    content = io.BytesIO()
    Image.new("L", (4, 4), value).save(content, "PNG")
    return content.getvalue()


def images(values, labels):
    table = pa.table({"image": [{"bytes": png(value), "path": None} for value in values], "label": labels})
    return table.replace_schema_metadata({"huggingface": json.dumps(FEATURES)})


def save_to_disk(folder, table):
    """Write what `datasets.Dataset.save_to_disk` writes."""
    folder.mkdir(parents=True)
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))


def test_tables_in_parquet_files(tmp_path):
    FRAME.to_parquet(tmp_path / "rows.parquet")
    found = load_dataset(tmp_path / "rows.parquet")
    assert (found.features, found.train.labels.tolist()) == (("a", "b"), [0, 1, 0])
    assert found.train.inputs.tolist() == [[0.5, 1], [1.5, 2], [2.5, 3]]


def test_images_in_parquet_files_of_two_splits(tmp_path):
    for split, values in (("train", [3, 4]), ("test", [5, 6])):
        pa.parquet.write_table(images(values, [1, 0]), tmp_path / f"{split}-00000-of-00001.parquet")
    found = load_dataset(tmp_path)
    assert (found.image_shape, found.classes) == ((1, 4, 4), ("cat", "dog"))
    assert found.splits["test"].inputs[:, 0].tolist() == [5, 6]


def test_saved_data_sets(tmp_path):
    save_to_disk(tmp_path / "set" / "train", images([3, 4], [1, 0]))
    save_to_disk(tmp_path / "set" / "validation", images([5], [1]))
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation"]}))
    found = load_dataset(tmp_path / "set")
    assert (found.train.labels.tolist(), found.classes) == ([1, 0], ("cat", "dog"))
    assert found.splits["test"].inputs[:, 0].tolist() == [5]
    assert load_dataset(tmp_path / "set" / "train").train.inputs[:, 0].tolist() == [3, 4]


def test_nested_lists_are_arrays(tmp_path):
    values = np.arange(24.0).reshape(2, 3, 4)
    save_to_disk(tmp_path / "set", pa.table({"x": values.tolist(), "label": [0, 1]}))
    assert load_dataset(tmp_path / "set").train.inputs.tolist() == values.reshape(2, 12).tolist()


@pytest.mark.parametrize("name", ["../train.arrow", "missing.arrow"])
def test_a_list_of_files_stays_in_its_folder(tmp_path, name):
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match=r"no list of files|no such file"):
        load_dataset(tmp_path)
