"""Tables as they come: separators, headers, missing values and categories."""

import time
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from interp.checkpoints import load_model
from interp.data import DataOptions, load_dataset
from interp.data.sources.tables.categories import encoded
from interp.data.sources.tables.csv_files import MISSING, read_csv
from interp.errors import DataError, UsageError


@pytest.fixture
def table(tmp_path):
    def write(content: str, name: str = "table.csv") -> str:
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_any_usual_separator(table, mark):
    found = load_dataset(table("a,b,label\n1.5,2,0\n3,4,1\n".replace(",", mark)))
    assert found.features == ("a", "b")
    assert found.train.inputs.tolist() == [[1.5, 2], [3, 4]]


@pytest.mark.parametrize("first", [0, 1])
def test_row_numbers_are_left_out(first, tmp_path):
    """As `to_csv` writes the index of a frame."""
    frame = pd.DataFrame({"a": [1.5, 3.0, 2.0], "label": [0, 1, 0]}, index=[first, first + 1, first + 2])
    frame.to_csv(tmp_path / "table.csv")
    found = load_dataset(str(tmp_path / "table.csv"))
    assert found.features == ("a",)
    assert found.train.inputs.ravel().tolist() == [1.5, 3.0, 2.0]
    assert (found.facts["columns"].value, found.facts["columns"].confidence) == ("row numbers left out", "likely")


@pytest.mark.parametrize(
    "content",
    [
        ",a,label\n0,1.5,0\n2,3,1\n4,2,0\n",
        ",a,label\n5,1.5,0\n6,3,1\n7,2,0\n",
        "id,a,label\n0,1.5,0\n1,3,1\n2,2,0\n",
    ],
    ids=["not one by one", "not from 0 or 1", "named"],
)
def test_other_first_columns_are_kept(content, table):
    found = load_dataset(table(content))
    assert found.width == 2
    assert "columns" not in found.facts


def test_semicolons_with_decimal_commas(table):
    found = load_dataset(table("a;b;label\n1,5;2;0\n3,25;4;1\n"))
    assert found.train.inputs.tolist() == [[1.5, 2], [3.25, 4]]


def test_a_first_line_of_numbers_is_asked_about(table):
    path = table("0.5,2,0\n3,4,1\n")
    with pytest.raises(UsageError, match=r"a first line of numbers alone \(0.5, 2, 0\); .* --header no"):
        load_dataset(path)
    with pytest.raises(
        UsageError, match=r"3 columns without names; .*--target 0 for the first, --target 2 for the last"
    ):
        load_dataset(path, DataOptions(header="no"))
    found = load_dataset(path, DataOptions(header="no", target="2"))
    assert found.train.inputs.tolist() == [[0.5, 2], [3, 4]]
    assert found.train.labels.tolist() == [0, 1]
    assert load_dataset(path, DataOptions(header="yes")).features == ("0.5", "2")
    with pytest.raises(UsageError, match="--header: found 'maybe'"):
        load_dataset(path, DataOptions(header="maybe"))


@pytest.mark.parametrize(
    "rows",
    [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,virginica\n",  # as archives of data have them
        "39,State-gov,77516,13,low\n50,Private,83311,13,low\n38,Private,215646,9,high\n",
        "41,3;red;yes\n38,7;blue;no\n40,1;red;no\n",
    ],
)
def test_a_first_line_of_numbers_and_words_as_the_rows_have_is_asked_about(rows, table):
    """It may be a row: taken for names it would be left out, and each column called by one of its values."""
    path = table(rows)
    with pytest.raises(UsageError, match=r"a first line of numbers and words, as rows are .* --header no"):
        load_dataset(path)
    last = str(rows.split("\n")[0].count(";" if ";" in rows else ","))
    assert len(load_dataset(path, DataOptions(header="no", target=last)).train.inputs) == 3
    assert len(load_dataset(path, DataOptions(header="yes")).train.inputs) == 2


@pytest.mark.parametrize(
    "rows",
    [
        "?,1.5\n3,2.5\n",
        "NA,1.5,0\n3,2.5,1\n",
        "NA; 1,5;?\n3;2,5;1\n",
        "NA,?,cat\n3,2,dog\n",  # nor is a word that stands above words
        "?,1,2,3,7\n5,2,3,4,8\n",  # nor do these make names of numbers that rise beside them
    ],
)
def test_a_mark_of_a_missing_value_is_no_proof_of_names(rows, table):
    path = table(rows)
    with pytest.raises(UsageError, match=r"a first line with a missing value, as rows have \(.* --header no"):
        load_dataset(path)
    assert len(read_csv(Path(path), DataOptions(header="no", target="0"))) == 2


def test_marks_of_missing_values_are_read_as_such():
    for mark in MISSING - {"?"}:
        assert pd.read_csv(StringIO(f"a,b\n{mark},1\n"))["a"].isna().all()


@pytest.mark.parametrize("below", ["2,3,4,8,dog", "2,1,8,4,dog", "2.5,3,4,8,dog", "2,?,4,,dog", "2,3,4,8,"])
def test_numbers_that_rise_beside_a_word_are_no_proof_of_names(below, table):
    """As in every 24th row of four different numbers; a gap below tells nothing."""
    with pytest.raises(UsageError, match=r"a first line of numbers and words, as rows are \(1, 2, 3, 7, \.\.\.\)"):
        load_dataset(table(f"1,2,3,7,cat\n{below}\n"))


def test_a_gap_beside_numbers_that_rise_is_no_proof_of_names(table):
    with pytest.raises(UsageError, match="a first line of numbers and words, as rows are"):
        load_dataset(table("1,,2,3,7\n2,5,3,4,8\n"))


@pytest.mark.parametrize(
    ("names", "row"),
    [
        ("country,2019,2020,2021,2022", "France,5,6,7,8"),  # a count, whatever stands below
        ("country,2000,2005,2010,2020", "France,1.5,2.5,3.5,4.5"),
        ("2000,2005,2010,2020,kind", "a,5,6,7,b"),
        (",10,20,40,80", "0,5,6,7,8"),  # pandas' index
        ("?,10,20,40,kind", "0,5,6,7,8"),
        ("1,2,3,7,kind", "5,6,7,8,0"),
    ],
)
def test_numbers_that_rise_above_others_are_names(names, row, table):
    assert [*read_csv(Path(table(f"{names}\n{row}\n{row}\n")), DataOptions()).columns][1:] == names.split(",")[1:]


@pytest.mark.parametrize(
    "names",
    ["label,0,1,2.5", "2010,2015,2020,kind", ",0,7,label", "name,0,1,2,3,kind"],
)
def test_numbers_in_names_of_columns(names, table):
    """Words above numbers, or whole numbers that rise, are names as before."""
    row = "a,1,2,3,4,b" if names.startswith("name") else "5,1,2,0"
    cells = names.split(",")
    found = load_dataset(table(f"{names}\n{row}\n{row}\n"), DataOptions(target=cells[-1]))
    assert len(found.train.inputs) == 2


def test_columns_that_are_counted_are_names(table):
    assert load_dataset(table("0,1,2,3\n5,6,7,0\n5,6,7,1\n")).features == ("0", "1", "2")


def test_columns_of_one_name_are_numbered_as_by_pandas(tmp_path):
    rng = np.random.default_rng(0)
    names = ["a", "a", "b", "a.1", "a.2", "a.1.1", "", "Unnamed: 1", "c ", " c", '"q,r"', '"two ""x"""']
    for _ in range(200):
        head = ",".join(rng.choice(names, rng.integers(2, 9)))
        content = f"{head}\n{','.join('1' * (head.count(',') + 1))}\n"
        (tmp_path / "table.csv").write_text(content)
        found = read_csv(tmp_path / "table.csv", DataOptions(header="yes"))
        pd.testing.assert_frame_equal(found, pd.read_csv(StringIO(content), skipinitialspace=True))


@pytest.mark.parametrize("name", ["a", "", '"a"'])
def test_pandas_has_no_names_to_tell_apart(name, table, monkeypatch):
    """It looks through all of them for each: 16,000 take it a second, ten times as many minutes."""
    handed = []
    plain = pd.read_csv
    monkeypatch.setattr(pd, "read_csv", lambda *args, **kwargs: handed.append(kwargs) or plain(*args, **kwargs))
    path = table(f"{','.join([name] * 16000)},label\n{','.join(['1'] * 16001)}\n")
    assert read_csv(Path(path), DataOptions(header="yes")).shape == (1, 16001)
    assert handed[0]["header"] is None
    assert len(set(handed[0]["names"])) == 16001


def test_first_lines_are_long_where_columns_are_many(table):
    """As of genes: the module that cuts lines allows no field of more than 131,072 characters."""
    names = [f"ENSG{number:011d}" for number in range(10000)]
    row = ",".join(["0.5"] * 10000)
    found = load_dataset(table(f"{','.join(names)},label\n{row},0\n{row},1\n"))
    assert found.features == tuple(names)
    with pytest.raises(DataError, match="a first line of 10,000,000 characters or more; expected columns"):
        load_dataset(table("a" * 10_000_000))


ROWS = "size,colour,price,kind\n1,red,10.5,a\n2,blue,20.5,b\n3,red,30.5,a\n"


@pytest.mark.parametrize(
    ("encoding", "features", "first"),
    [
        ("one-hot", ("size", "price", "colour=blue", "colour=red"), [1, 10.5, 0, 1]),
        ("drop-first", ("size", "price", "colour=red"), [1, 10.5, 1]),
        ("codes", ("size", "colour", "price"), [1, 1, 10.5]),
    ],
)
def test_categories_in_an_order_that_is_said(table, encoding, features, first):
    found = load_dataset(table(ROWS), DataOptions(categories=encoding))
    assert found.features == features
    assert found.train.inputs[0].tolist() == first
    fact = found.facts["categories"]
    assert (fact.value, fact.confidence) == (encoding, "likely")
    assert "colour: blue, red" in fact.evidence


def test_text_that_is_no_category_is_refused(table):
    rows = "".join(f"name {row},{row},0\n" for row in range(101))
    with pytest.raises(DataError, match="text of 101 different values in column 'name'"):
        load_dataset(table(f"name,a,label\n{rows}"))


def test_gaps_are_filled_as_asked_with_what_training_rows_have(tmp_path):
    (tmp_path / "train.csv").write_text("a,b,label\n1,2,0\n,4,1\n3,6,0\n")
    (tmp_path / "test.csv").write_text("a,b,label\n100,2,0\n,4,1\n")
    with pytest.raises(DataError, match=r"no value in column 'a' of row 2, one of 2 gaps.*--fill mean"):
        load_dataset(tmp_path)
    for fill, value in (("mean", 2), ("median", 2), ("zero", 0)):
        found = load_dataset(tmp_path, DataOptions(fill=fill))
        assert found.train.inputs[1].tolist() == [value, 4]
        assert found.splits["test"].inputs[1].tolist() == [value, 4]
        assert "2 gaps in 'a'" in found.facts["missing_values"].evidence
    with pytest.raises(UsageError, match="--fill: found 'men'"):
        load_dataset(tmp_path, DataOptions(fill="men"))


def test_a_column_without_a_mean_is_named(table):
    with pytest.raises(DataError, match="1 gap in column 'b', which has no mean"):
        load_dataset(table("a,b,label\n1,x,0\n1,,1\n"), DataOptions(fill="mean"))


def test_categories_of_both_splits_are_one_order(tmp_path):
    (tmp_path / "train.csv").write_text("a,label\nq,x\nr,y\n")
    (tmp_path / "test.csv").write_text("a,label\np,y\nq,x\n")
    found = load_dataset(str(tmp_path))
    assert found.features == ("a=p", "a=q", "a=r")
    np.testing.assert_array_equal(found.splits["test"].inputs, [[1, 0, 0], [0, 1, 0]])
    assert found.classes == ("x", "y")
    assert found.splits["test"].labels.tolist() == [1, 0]


@pytest.mark.parametrize("drop_first", [False, True])
def test_categories_are_those_of_pandas(drop_first):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.random(40), "b": rng.choice(["x", "y", "z"], 40), "c": rng.random(40) < 0.5})
    table["d"] = pd.Categorical(rng.choice(["lo", "hi"], 40), categories=["lo", "hi", "never"])
    table["e"] = "one"
    found, _ = encoded("mine", table, "drop-first" if drop_first else "one-hot")
    options = {"prefix_sep": "=", "drop_first": drop_first, "dtype": np.float64}
    pd.testing.assert_frame_equal(found, pd.get_dummies(table, columns=["b", "d", "e"], **options))
    codes, _ = encoded("mine", table, "codes")
    wanted = table.assign(**{name: table[name].astype("category").cat.codes.astype(float) for name in "bde"})
    pd.testing.assert_frame_equal(codes, wanted)


def test_many_columns_of_text_take_less_time_than_by_pandas():
    table = pd.DataFrame([["a"] * 2000], columns=map(str, range(2000)))
    times = [time.process_time()]
    assert encoded("mine", table, "one-hot")[0].shape == (1, 2000)
    times.append(time.process_time())
    assert pd.get_dummies(table, dtype=np.float64).shape == (1, 2000)
    times.append(time.process_time())
    ours, theirs = np.diff(times)
    assert ours < theirs / 2  # a tenth


@pytest.mark.filterwarnings("error")
def test_a_column_that_is_empty_in_one_split_is_read_without_a_word(tmp_path):
    (tmp_path / "train.csv").write_text("a,b,label\n1,2,0\n3,4,1\n")
    (tmp_path / "test.csv").write_text("a,b,label\n5,,1\n6,,0\n")
    found = load_dataset(tmp_path, DataOptions(fill="zero"))
    assert found.splits["test"].inputs.tolist() == [[5, 0], [6, 0]]


def test_rows_that_another_encoding_would_make_fit_are_told_of_it(tmp_path):
    frame = pd.DataFrame({"size": [1.0, 2, 3, 4] * 5, "colour": ["red", "blue"] * 10, "label": [0, 1] * 10})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    with pytest.raises(DataError, match=r"found 3 values a row; expected 2.*with --categories how .* codes$"):
        load_model(tmp_path / "net.pt", str(tmp_path / "rows.csv"))
    model, _ = load_model(tmp_path / "net.pt", str(tmp_path / "rows.csv"), data_options=DataOptions(categories="codes"))
    assert model.layers[0].inputs == 2
