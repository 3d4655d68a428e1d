import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest

from interp.errors import UsageError
from interp.report import SECTIONS, document, write_report
from interp.types import Figure, Inference, Section, Table, Verdict

from .synthetic import make_results

COMMAND = "python -m interp.report planted.pt --data '<img src=x onerror=alert(2)>'"
HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects tags, addresses and ids."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.ids, self.text = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "action", "data"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    found = write_report(make_results(), out, COMMAND)
    return out, found, (out / "report.html").read_text(encoding="utf-8")


def test_page_needs_nothing_but_itself(written):
    page = Page(written[2])
    assert page.addresses
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses)
    assert "link" not in page.tags
    assert "url(" not in written[2]
    assert "@import" not in written[2]


def test_page_is_small_and_its_ids_differ(written):
    page = Page(written[2])
    assert len(written[2]) < 2_000_000
    assert len(page.ids) == len(set(page.ids))
    assert list(SECTIONS) == [identity for identity in page.ids if identity in SECTIONS]


def test_command_is_shown_escaped(written):
    assert "onerror=alert(2)&gt;" in written[2]
    assert "<img src=x" not in written[2]


def test_every_figure_is_a_file_and_is_embedded(written):
    out, found, page = written
    files = {figure["file"] for section in found["sections"].values() for figure in section["figures"]}
    assert {f"figures/{path.name}" for path in (out / "figures").iterdir()} == files
    assert page.count("data:image/png;base64,") == len(files)


def test_json_file_is_strict_and_is_what_was_returned(written):
    out, found, _ = written

    def refuse(constant):
        raise AssertionError(constant)

    text = (out / "report.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=refuse) == found
    assert set(document(make_results())) <= set(found)


def test_every_number_in_a_table_is_in_the_json(written):
    """A cell's printed number is some JSON number, rounded as printed."""
    _, found, _ = written
    numbers = np.array(sorted(set(_numbers(found))))
    for maker in SECTIONS.values():
        for table in maker(make_results()).tables:
            for value in table.frame.to_numpy().ravel():
                shown = getattr(value, "value", None)
                if isinstance(shown, float) and np.isfinite(shown):
                    assert np.isclose(numbers, shown, rtol=1e-12, atol=1e-12).any(), (table.caption, shown)


def _numbers(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_no_nan_is_visible(written):
    page = " ".join(Page(re.sub(r"<(style|script)>.*?</\1>", "", written[2], flags=re.S)).text)
    assert not re.search(r"\b(nan|NaN|inf|None)\b", page)


def test_hostile_text_stays_text(tmp_path):
    results = make_results((36, 6, 3), names=(f'"{HOSTILE}', "'onclick=alert(1) x='"))
    model = replace(
        results.model,
        path=f"/tmp/{HOSTILE}",
        format=HOSTILE,
        output=HOSTILE,
        inferred={HOSTILE: Inference(HOSTILE, "likely", HOSTILE)},
        skipped={HOSTILE: HOSTILE},
    )
    results = replace(
        results,
        model=model,
        data=replace(results.data, name=HOSTILE, classes=(HOSTILE,) * 3),
        verdict=Verdict(HOSTILE, (HOSTILE,), (HOSTILE,)),
    )
    write_report(results, tmp_path, HOSTILE)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert Page(text).tags.count("script") == 1
    assert all(path.parent == tmp_path / "figures" for path in tmp_path.rglob("*.png"))


def test_wide_layers_stay_below_five_megabytes(tmp_path):
    results = make_results((784, 512, 10), image_shape=(1, 28, 28))
    write_report(results, tmp_path, "c")
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_two_thousand_nodes(tmp_path):
    write_report(make_results((8, 2000), image_shape=None), tmp_path, "c")
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    assert len(json.loads((tmp_path / "report.json").read_text())["nodes"]) == 2000


def user_section(results):
    """Stand in for a section of the user's, with pyplot and plain cells."""

    def draw():
        figure, axes = plt.subplots()
        axes.plot([0, 1])
        return figure

    import pandas as pd

    frame = pd.DataFrame({"a": [1.5, float("nan")], "b": ["x", None]})
    return Section("Mine", ("Text.",), (Figure("../mine", "Mine.", draw),), (Table(frame, "Cells."),))


def test_user_section_by_name(tmp_path):
    found = write_report(make_results(), tmp_path, "c", {"mine": f"{__name__}:user_section"})
    assert found["sections"]["mine"]["tables"][0]["rows"] == [{"a": 1.5, "b": "x"}, {"a": None, "b": None}]
    assert (tmp_path / "figures" / "mine.png").exists()
    assert not plt.get_fignums()


def test_failure_leaves_the_old_page(tmp_path):
    write_report(make_results((4, 1), image_shape=None), tmp_path, "first", {"v": SECTIONS["verdict"]})
    before = (tmp_path / "report.html").read_bytes()

    def broken(results):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_report(make_results(), tmp_path, "second", {"broken": broken})
    assert (tmp_path / "report.html").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_folder_that_is_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(
        UsageError,
        match=r"out/report.json: found file exists; expected a folder with room .*; .* choose another with --out",
    ):
        write_report(make_results((4, 1), image_shape=None), tmp_path / "out", "c", {})
