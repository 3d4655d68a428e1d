import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tiny_runs import mlp, several_mlps

from interp.errors import UsageError
from interp.report import SECTIONS, write_report
from interp.report.document.document import document
from interp.report.html.render import HERE
from interp.report.html.tables import ROWS, table_parts
from interp.run.folder import page_figures
from interp.types import Alert, Inference, Table, Verdict

from .planted import renamed, widened

HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects tags, addresses and ids."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.ids, self.text, self.scripts = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(dict(attrs).get("type", "that runs"))
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "action", "data"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(written):
    return (written[0] / "report.html").read_text(encoding="utf-8")


def test_page_needs_nothing_but_itself(page):
    found = Page(page)
    assert found.addresses
    assert all(
        address.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,")) for address in found.addresses
    )
    assert "link" not in found.tags
    assert "url(" not in page
    assert "@import" not in page


def test_page_is_small_and_its_ids_differ(page):
    found = Page(page)
    assert len(page) < 2_000_000
    assert len(found.ids) == len(set(found.ids))
    assert list(SECTIONS) == [identity for identity in found.ids if identity in SECTIONS]


def test_command_is_shown_escaped(page):
    assert "onerror=alert(2)&gt;" in page
    assert "<img src=x" not in page


def test_every_figure_is_a_file_and_is_embedded(written, page):
    out, found = written
    files = {figure["file"] for section in found["sections"].values() for figure in section["figures"]}
    assert {f"figures/{path.name}" for path in (out / "figures").iterdir()} == files
    assert len(re.findall('<img class="(?:plot|photo)"', page)) == len(files)


@pytest.mark.usefixtures("blank_figures")  # only their names
def test_figures_of_an_earlier_page_go_with_it_and_nothing_else_does(tmp_path):
    both = {name: SECTIONS[name] for name in ("verdict", "attribution")}
    write_report(mlp(), tmp_path, "", both)
    (tmp_path / "figures" / "verdict-of-my-own.png").touch()
    write_report(mlp(), tmp_path, "", {"attribution": both["attribution"]})
    left = {path.name for path in (tmp_path / "figures").iterdir()}
    assert len(left) > 1
    assert left - {"verdict-of-my-own.png"} == {Path(name).name for name in page_figures(tmp_path)}
    assert "verdict-of-my-own.png" in left


def test_json_file_is_strict_and_is_what_was_returned(written):
    out, found = written

    def refuse(constant):
        raise AssertionError(constant)

    text = (out / "report.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=refuse) == found
    assert found["schema"] == document(several_mlps())["schema"]


def test_every_number_of_a_section_was_found_before_it_was_written(written):
    """A section computes nothing: its numbers stand in report.json outside the sections, unrounded.

    All but mean counts, which are read off the counts in report.json by the class that holds them.
    """
    known = set(_numbers({key: value for key, value in written[1].items() if key != "sections"}))
    known |= {mean for found in several_mlps().prototypes.values() for mean in found.mean_count.values()}
    for maker in SECTIONS.values():
        for table in maker(several_mlps()).tables:
            for value in table.frame.to_numpy().ravel():
                shown = getattr(value, "value", None)
                if isinstance(shown, float) and np.isfinite(shown):
                    assert shown in known, (table.caption, shown)


def _numbers(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_no_nan_is_visible(page):
    text = " ".join(Page(re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.S)).text)
    assert not re.search(r"\b(nan|NaN|inf|None)\b", text)


@pytest.mark.usefixtures("blank_figures")  # only their names
def test_hostile_text_stays_text(tmp_path):
    results = mlp()
    names = (f'"{HOSTILE}', "'onclick=alert(1) x='", HOSTILE)
    results = renamed(results, dict(zip((layer.name for layer in results.model.layers), names, strict=True)))
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
        verdict=Verdict(HOSTILE, (HOSTILE,), (Alert(HOSTILE, "note", HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),)),
    )
    write_report(results, tmp_path, HOSTILE)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert Page(text).scripts.count("that runs") == 1
    assert set(Page(text).scripts) == {"that runs", "text/plain"}
    assert all(path.parent == tmp_path / "figures" for path in tmp_path.rglob("*.png"))


def _noisy(results, side):
    """Make images of prototypes as large as `side` squared, and of noise: nothing takes more bytes."""
    rng = np.random.default_rng(0)
    prototypes = {}
    for name, found in results.prototypes.items():
        means = {kind: rng.normal(size=(len(found.weight), side * side)) for kind in found.network_input}
        wide = {part: np.zeros((len(found.weight), side * side)) for part in ("weight",)}
        first = {"layer_input": means, "input_mean": np.zeros(side * side), **wide} if name == "fc1" else {}
        prototypes[name] = replace(found, network_input=means, network_mean=np.zeros(side * side), **first)
    layers = (replace(results.model.layers[0], inputs=side * side), *results.model.layers[1:])
    data = replace(results.data, image_shape=(1, side, side))
    model = replace(results.model, layers=layers)
    return replace(results, prototypes=prototypes, data=data, model=model, clusters={})


def test_wide_layers_stay_below_five_megabytes(tmp_path):
    results = _noisy(widened(mlp(), "fc1", 512), 28)
    write_report(results, tmp_path, "c", {key: SECTIONS[key] for key in ("distributions", "prototypes", "nodes")})
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


@pytest.mark.usefixtures("blank_figures")  # the page above has them all
def test_two_thousand_nodes(tmp_path):
    results = replace(widened(mlp(), "fc1", 2000), prototypes={})
    write_report(results, tmp_path, "c", {key: SECTIONS[key] for key in SECTIONS if key != "interventions"})
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    nodes = [node for node in json.loads((tmp_path / "report.json").read_text())["nodes"] if node["layer"] == "fc1"]
    assert len(nodes) == 2000
    assert all(node["ablation"] for node in nodes)


USERS_OWN = """
import matplotlib.pyplot as plt
import pandas as pd
from interp import types

def section(results):
    def draw():
        figure, axes = plt.subplots()
        axes.plot(results.fits["fc1"].mean)
        return figure
    frame = pd.DataFrame({"a": [1.5, float("nan")], "b": ["x", None]})
    tables = (types.Table(frame, "Cells of the user's."),)
    return types.Section("Mine", ("My text.",), (types.Figure("../mine", "My means.", draw),), tables)
"""


@pytest.fixture
def users_own(tmp_path, monkeypatch):
    """A section of 15 lines in a module outside the package."""
    assert len(USERS_OWN.strip().splitlines()) <= 15
    (tmp_path / "a_users_own.py").write_text(USERS_OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "a_users_own:section"


def test_a_section_from_outside_the_package_is_on_the_page_and_in_the_json(users_own, tmp_path, monkeypatch):
    monkeypatch.setitem(SECTIONS, "mine", users_own)
    left_open = plt.get_fignums()  # by others who ran in this process
    found = write_report(mlp(), tmp_path, "c", {key: SECTIONS[key] for key in ("verdict", "mine")})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [identity for identity in Page(page).ids if identity in SECTIONS] == ["verdict", "mine"]
    assert "My text." in page
    assert "Cells of the user&#39;s." in page
    assert found["sections"]["mine"]["tables"][0]["rows"] == [{"a": 1.5, "b": "x"}, {"a": None, "b": None}]
    assert found["sections"]["mine"]["figures"] == [{"file": "figures/mine.png", "caption": "My means."}]
    assert (tmp_path / "figures" / "mine.png").exists()
    assert plt.get_fignums() == left_open


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return results.fits['none']", r"KeyError: .*none.* \(a_users_fault.py, line 2\)"),
        ("return 'text'", "str"),
        ("return Section(", ".*never closed.*"),
    ],
)
def test_what_is_wrong_with_a_users_section_is_one_line(body, found, tmp_path, monkeypatch):
    (tmp_path / "a_users_fault.py").write_text(f"def section(results):\n    {body}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "a_users_fault", raising=False)
    with pytest.raises(UsageError, match=f"^section a_users_fault:section: found {found}; expected [^\n]+$"):
        write_report(mlp(), tmp_path / "out", "c", {"mine": "a_users_fault:section"})
    assert not (tmp_path / "out").exists()


def test_failure_leaves_the_old_page(tmp_path):
    write_report(mlp(), tmp_path, "first", {"v": SECTIONS["verdict"]})
    before = (tmp_path / "report.html").read_bytes()

    def broken(results):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_report(mlp(), tmp_path, "second", {"broken": broken})
    assert (tmp_path / "report.html").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_folder_that_is_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(
        UsageError,
        match=r"out: found a file; expected a folder with room .*; .*choose another with --out",
    ):
        write_report(mlp(), tmp_path / "out", "c", {})


@pytest.mark.usefixtures("blank_figures")  # only their names
def test_a_quick_look_has_no_figures_and_says_so(tmp_path):
    results = mlp()
    sections = {key: SECTIONS[key] for key in ("verdict", "distributions", "nodes")}
    settings = {**results.provenance.settings, "options": {"limits": {"quick": True}}}
    plain = write_report(results, tmp_path / "plain", "c", sections)["sections"]
    quick = replace(results, provenance=replace(results.provenance, settings=settings))
    found = write_report(quick, tmp_path / "quick", "c", sections)["sections"]
    for key, section in found.items():
        count = len(plain[key]["figures"])
        assert section["figures"] == []
        said = [text for text in section["text"] if "left out of a quick look (--quick)" in text]
        assert len(said) == (count > 0 and key != "verdict"), "the first screen is for what the network is"
        assert not said or said[0].startswith(f"{count} figures are " if count > 1 else "A figure is ")
        assert section["tables"] == plain[key]["tables"]
    assert not (tmp_path / "quick" / "figures").exists()


@pytest.mark.parametrize(
    ("left_out", "said"), [(0, None), (1, "1 more row is in report.json."), (2, "2 more rows are")]
)
def test_what_a_long_table_leaves_out_is_one_row_or_several(left_out, said):
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    parts = environment.get_template("parts.html").make_module({"document": "report.json"})
    html = str(parts.table_html(table_parts(Table(pd.DataFrame({"a": range(ROWS + left_out)}), "long"))))
    assert ("more row" in html) == bool(left_out)
    assert said is None or said in html
