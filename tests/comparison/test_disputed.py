"""The samples that networks disagree on stand on the page as what they are: rows in their own units, tokens as text."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import interp
from interp.comparison.disputed import COLUMNS, ROWS, distinct, with_inputs
from interp.report.comparison.page import write_comparison
from interp.types import Dataset, Split

pytestmark = pytest.mark.usefixtures("few_draws", "blank_figures")

BAD = '"><script>alert(1)</script>'


def compared(networks, data, tmp_path):
    """Give a comparison, the text of its page and its JSON."""
    found = interp.compare(*networks, data=data, brief=True, scaling="raw")
    page = write_comparison(found, tmp_path, "interp compare").read_text()
    return found, page, json.loads((tmp_path / "compare.json").read_text())


def of_columns(width, seed=0):
    """Give a table of columns of very different sizes, and two networks that disagree on it."""
    draw = np.random.default_rng(seed)
    x = (draw.normal(size=(200, width)) * 10.0 ** (np.arange(width) % 4) + 3).astype(np.float32)
    y = (x[:, 0] > 3).astype(int) + (x[:, 4] > 3)
    names = [f"co_l{i}" for i in range(width)]
    names[:3] = ["label", BAD, "co l3"]
    data = {"x_train": x[:120], "y_train": y[:120], "x_test": x[120:], "y_test": y[120:], "feature_names": names}
    torch.manual_seed(seed)
    return [nn.Sequential(nn.Linear(width, 8), nn.ReLU(), nn.Linear(8, 3)) for _ in range(2)], data


def cells_of(page):
    """Give the heads and the rows of the table of inputs."""
    part = page[page.index("What they are, in the units of the data") :].partition("</table>")[0]
    heads, rows = part.partition("<tbody>")[::2]
    texts = lambda tag, some: [html.unescape(re.sub("<[^>]*>", "", one)) for one in re.findall(tag, some, re.S)]  # noqa: E731
    return texts("<th.*?</th>", heads), [texts("<td.*?</td>", row) for row in rows.split("<tr>")[1:]]


def test_rows_of_a_table_stand_in_their_own_units(tmp_path):
    networks, data = of_columns(6)
    found, page, document = compared(networks, data, tmp_path)
    heads, rows = cells_of(page)
    assert heads == ["sample", "label", "label (2)", BAD, "co l3", "co_l3", "co_l4", "co_l5"]
    assert len(rows) == len(found.disputed) > 3
    for row, known in zip(rows, document["disputed"], strict=True):
        values = data["x_test"][known["sample"]]
        assert list(known["inputs"].values()) == values.tolist(), "unrounded in the file"
        shown = [float(text.replace("\N{MINUS SIGN}", "-").replace(",", "")) for text in row[2:]]
        assert shown == pytest.approx(values.tolist(), rel=0.006)
    assert "<script>alert" not in page


def test_of_many_columns_those_are_shown_in_which_the_samples_are_unusual(tmp_path):
    networks, data = of_columns(COLUMNS + 5)
    unusual = np.arange(3, 3 + COLUMNS)
    with torch.no_grad():
        for network in networks:  # the first column alone says which samples are disputed
            network[0].weight[:] = 0
            network[0].bias[:] = -4
            network[0].weight[0, 0], network[2].weight[:] = 1, 0
            network[2].bias[:] = torch.tensor([0.5, 0.0, 0.0])
        networks[1][2].weight[1, 0] = 1
    far = data["x_test"][:, 0] > 4.5
    data["x_test"][np.ix_(far, unusual)] += 50 * 10.0 ** (unusual % 4)
    found, _, document = compared(networks, data, tmp_path)
    assert set(found.disputed["sample"]) == set(np.flatnonzero(far)) != set()
    assert [list(row["inputs"]) for row in document["disputed"]] == [[f"co_l{i}" for i in unusual]] * len(
        found.disputed
    )


def test_the_mean_is_of_samples_drawn_from_the_whole_split():
    """Of samples sorted by class, the first are not like all: a column that parts the classes is not unusual."""
    draw = np.random.default_rng(1)
    x = draw.normal(size=(4 * ROWS, COLUMNS + 1))
    x[2 * ROWS :, 0] += 100
    x[-5:, 1:] += 10
    split = Split(x.astype(np.float32), np.zeros(len(x), int))
    names = tuple(f"c{i}" for i in range(COLUMNS + 1))
    data = Dataset("sorted", {"train": split, "test": split}, None, ("a", "b"), names, "digest")
    found = with_inputs(pd.DataFrame({"sample": np.arange(len(x) - 5, len(x))}), data, split)
    assert list(found["inputs"].iloc[0]) == [f"c{i}" for i in range(1, COLUMNS + 1)]
    assert found["inputs_left_out"].tolist() == [1] * 5


@pytest.mark.parametrize(("more", "said"), [(0, ""), (1, f" Of {COLUMNS + 1} columns, the {COLUMNS} in which")])
def test_the_caption_says_so_only_where_columns_are_left_out(tmp_path, more, said):
    networks, data = of_columns(COLUMNS + more)
    _, page, document = compared(networks, data, tmp_path)
    assert {row["inputs_left_out"] for row in document["disputed"]} == {more}
    assert ("columns, the" in page) == bool(more)
    assert f"What they are, in the units of the data.{said or '<'}" in page


class Reader(nn.Module):
    """A network of tokens."""

    def __init__(self):
        super().__init__()
        self.known, self.last = nn.Embedding(2000, 4), nn.Linear(4, 3)

    def forward(self, tokens):
        return self.last(self.known(tokens).mean(1))


def test_tokens_stand_as_text(tmp_path):
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 2000, (160, 30)), np.arange(160) % 3
    data = {"x_train": x[:100], "y_train": y[:100], "x_test": x[100:], "y_test": y[100:]}
    torch.manual_seed(0)
    found, page, document = compared([Reader(), Reader()], data, tmp_path)
    _, rows = cells_of(page)
    assert len(rows) == len(found.disputed) > 0
    for row, known in zip(rows, document["disputed"], strict=True):
        tokens = x[100 + known["sample"], :24].tolist()
        assert row[2] == " ".join(map(str, tokens))
        assert list(known["inputs"].values()) == [tokens]


def test_pictures_are_no_numbers(tmp_path):
    draw = np.random.default_rng(0)
    x = draw.random((160, 1, 8, 8), dtype=np.float32)
    data = {"x_train": x[:100], "y_train": np.arange(100) % 3, "x_test": x[100:], "y_test": np.arange(60) % 3}
    torch.manual_seed(0)
    networks = [nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)) for _ in range(2)]
    found, page, _ = compared(networks, data, tmp_path)
    assert "inputs" not in found.disputed
    assert len(found.images) == len(found.disputed) > 0
    assert "What they are, in the units of the data" not in page


def test_names_that_are_the_same_are_told_apart():
    assert distinct(["a", "a", "a (2)"], taken=["a"]) == ["a (2)", "a (3)", "a (2) (2)"]
