"""Parquet files, and data sets as the datasets library saves them: needs pyarrow, not that library."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from interp.data import load_dataset
from interp.data.sources.unpacked import BATCH, read_arrow, read_parquet
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


def test_records_and_lists_are_no_targets(tmp_path):
    pa.parquet.write_table(pa.table({"x": [0.5, 1.5], "label": [{"a": 1}, {"a": 2}]}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"rows.parquet: found lists or records in column 'label' .* --target$"):
        load_dataset(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"data: found lists or records in column 'label'"):
        load_dataset((np.zeros((2, 1)), pd.Series([[1], [2, 3]], name="label")))


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


@pytest.mark.parametrize("name", ["../train.arrow", "missing.arrow", "x" * 5000, [1] * 5000, "x\0y"])
def test_a_list_of_files_stays_in_its_folder(tmp_path, name):
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match=r"no list of files|no such file"):
        load_dataset(tmp_path)


def often(value, rows):
    """Give a column of one value, which a file holds once."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([value]))


@pytest.mark.parametrize("column", [often(1.0, 200_000), ["x" * 5000] * 300])
def test_a_parquet_file_that_unpacks_to_far_more_is_refused(tmp_path, column, monkeypatch):
    monkeypatch.setattr("interp.data.sources.unpacked.MOST_UNPACKED", 1_000_000)
    pa.parquet.write_table(pa.table({"a": column}), tmp_path / "rows.parquet", compression="zstd")
    with pytest.raises(DataError, match=r"found a file of [\d,]+ bytes that unpacks to 1,\d{3},\d{3}; expected"):
        load_dataset(tmp_path / "rows.parquet")


def test_long_texts_are_read_some_rows_at_a_time_to_the_same_table(tmp_path):
    names = [f"{i:0500}" for i in range(100)] * 10
    pa.parquet.write_table(pa.table({"a": [0.5] * 1000, "label": names}), tmp_path / "rows.parquet")
    file = pa.parquet.ParquetFile(tmp_path / "rows.parquet")
    assert read_parquet(file, tmp_path / "rows.parquet").equals(file.read(), check_metadata=True)
    found = load_dataset(tmp_path / "rows.parquet")
    assert (found.train.labels.tolist(), len(found.classes)) == ([*range(100)] * 10, 100)


def write_arrow(path, table, make, packed):
    with make(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=packed)) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("make", [pa.ipc.new_stream, pa.ipc.new_file])
@pytest.mark.parametrize("packed", [None, "zstd", "lz4"])
def test_arrow_files_of_either_kind_are_read(tmp_path, make, packed):
    table = pa.table({"a": np.arange(5000.0), "b": pa.array(["x", None] * 2500).dictionary_encode()})
    write_arrow(tmp_path / "a.arrow", table, make, packed)
    assert read_arrow(pa.ipc, tmp_path / "a.arrow").equals(table)


@pytest.mark.parametrize("make", [pa.ipc.new_stream, pa.ipc.new_file])
@pytest.mark.parametrize(
    ("column", "packed", "taken"),
    [
        (pa.array(np.zeros(140_000)), "zstd", 1_120_000),
        (often("x" * 1_100_000, 2), "zstd", 1_100_000),
        (pa.nulls(140_000), None, 1_120_000),
    ],
)
def test_an_arrow_file_that_unpacks_to_far_more_is_refused(tmp_path, make, column, packed, taken, monkeypatch):
    monkeypatch.setattr("interp.data.sources.unpacked.MOST_UNPACKED", 1_000_000)
    write_arrow(tmp_path / "a.arrow", pa.table({"a": column}), make, packed)
    with pytest.raises(ValueError, match=r"a file of [\d,]+ bytes that unpacks to ") as error:
        read_arrow(pa.ipc, tmp_path / "a.arrow")
    assert int(str(error.value).rpartition(" ")[2].replace(",", "")) == pytest.approx(taken, rel=1e-2)


def test_names_that_are_no_text_are_refused(tmp_path):
    table = pa.table(FRAME[["a", "label"]]).replace_schema_metadata({"pandas": b"\xff"})
    pa.parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="codec can't decode"):
        load_dataset(tmp_path / "rows.parquet")


def test_images_beside_what_are_none_are_refused(tmp_path):
    for split, table in (("train", images([3, 4], [1, 0])), ("test", pa.table({"image": [{"a": 1}], "label": [1]}))):
        pa.parquet.write_table(table, tmp_path / f"{split}-00000-of-00001.parquet")
    with pytest.raises(DataError, match="an image without bytes"):
        load_dataset(tmp_path)


def test_columns_of_one_name_beside_images_are_refused(tmp_path):
    table = images([3, 4], [1, 0])
    pa.parquet.write_table(table.append_column("label", table["label"]), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="several columns 'label'"):
        load_dataset(tmp_path / "rows.parquet")


def test_an_arrow_file_that_says_a_message_beyond_all_memory_is_refused(tmp_path):
    save_to_disk(tmp_path / "set", images([3, 4], [1, 0]))
    path = tmp_path / "set" / "data-00000-of-00001.arrow"
    content = path.read_bytes()
    with pa.ipc.open_stream(path) as stream:
        size = sum(len(message.body) for message in pa.ipc.MessageReader.open_stream(path) if message.type == BATCH)
        assert stream.read_all().num_rows == 2
    stated = size.to_bytes(8, "little")
    assert content.count(stated) == 1
    path.write_bytes(content.replace(stated, (1 << 62).to_bytes(8, "little")))
    with pytest.raises(DataError, match=r"arrow: found a length beyond all memory; expected a whole parquet or arrow"):
        load_dataset(tmp_path / "set")


def test_an_arrow_file_whose_lists_lie_elsewhere_is_refused(tmp_path):
    write_arrow(tmp_path / "a.arrow", pa.table({"x": [[0.5], [1.5]]}), pa.ipc.new_stream, None)
    content = (tmp_path / "a.arrow").read_bytes()
    ends, elsewhere = np.array([0, 1, 2], np.int32).tobytes(), np.array([0, -9, 2**30], np.int32).tobytes()
    assert content.count(ends) == 1
    (tmp_path / "a.arrow").write_bytes(content.replace(ends, elsewhere))
    with pytest.raises(ValueError, match="Invalid: Length spanned by list offsets"):
        read_arrow(pa.ipc, tmp_path / "a.arrow")


def test_a_name_of_any_length_makes_no_line_of_that_length(tmp_path):
    table = images([3, 4], [1, 0])
    for split, name in (("train", "x" * 100_000), ("test", "image")):
        pa.parquet.write_table(table.rename_columns([name, "label"]), tmp_path / f"{split}-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"expected x+... \(100,0\d\d characters\); give the same columns") as raised:
        load_dataset(tmp_path)
    assert len(str(raised.value)) < 5000
