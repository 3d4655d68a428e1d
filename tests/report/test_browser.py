"""The page in a real browser: it opens from disk, asks for nothing, and nodes are found in it, by hand or by name."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import mlp

from interp.report import SECTIONS, write_report
from interp.report.html.render import render

from .chromium import BROWSER, Tab
from .planted import renamed, widened

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

DRAWN = "document.querySelector('#node-table .rows tbody tr')"
NAMES = "[...document.querySelectorAll('#node-table tbody a')].map((link) => link.textContent)"
COUNT = "document.querySelector('#node-table .count').textContent"
FOCUS = "document.activeElement.textContent"


def heading(words):
    return f"[...document.querySelectorAll('#node-table th button')].find((one) => one.textContent === '{words}')"


def filtered(label, words):
    """Choose in one of the filters."""
    return f"""(() => {{
        const labels = [...document.querySelectorAll('.filters label')];
        const label = labels.find((one) => one.textContent.startsWith('{label}'));
        const select = label.querySelector('select');
        select.value = [...select.options].find((one) => one.text.startsWith('{words}')).value;
        select.dispatchEvent(new Event('change'));
    }})()"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with Tab(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def page(tab, written):
    """Open the page anew, without what was in its address."""
    tab.open("about:blank")
    tab.events.clear()
    tab.resize(1200, 900)
    tab.open((written[0] / "report.html").as_uri())
    tab.wait(DRAWN)
    return tab


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows_sideways(page, width):
    page.resize(width, 900)
    assert page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_the_first_screen_is_one_screen_and_says_early_what_to_do(page):
    """On a sheet of 1,200 pixels; what is folded away can be opened by hand."""
    below = (
        "[...document.querySelectorAll('.answers > div')].map((row) => row.getBoundingClientRect().bottom + scrollY)"
    )
    names = page.run("[...document.querySelectorAll('.answers > div > dt')].map((name) => name.textContent)")
    bottoms = dict(zip(names, page.run(below), strict=True))
    assert bottoms["What to do next"] <= 1300, bottoms
    assert max(bottoms.values()) <= 1600, bottoms
    page.run("document.querySelector('.answers details.fold > summary').click()")
    assert page.run("document.querySelector('.answers details.fold').open")


def test_it_opens_from_disk_without_a_complaint_and_asks_for_nothing(page, written):
    page.run("location.hash = '#fc1:2'")
    page.wait("document.querySelector('.place.shown')")
    assert page.complaints() == []
    assert page.requests() == [(written[0] / "report.html").as_uri()]
    broken = "[...document.images].filter((image) => image.complete && image.naturalWidth === 0).length"
    assert page.run(broken) == 0
    assert page.run("document.images.length") > 5


def test_a_click_sorts_a_small_table(page):
    keys = page.run("""(() => {
        const table = document.querySelector('table.sortable');
        const heading = [...table.tHead.rows[0].cells].at(-1);
        heading.querySelector('button').click();
        return [...table.tBodies[0].rows].map((row) => row.cells[heading.cellIndex].dataset.key);
    })()""")
    numbers = [float(key) for key in keys if key]
    assert len(numbers) > 1
    assert numbers == sorted(numbers)


def test_search_and_filters_find_nodes(page):
    assert page.run(COUNT) == "17 of 17 nodes"
    page.run("document.querySelector('.filters input').focus()")
    page.write("fc2:")
    assert page.run(NAMES) == [f"fc2:{node}" for node in range(6)]
    page.run(filtered("layer", "fc1"))
    assert page.run(COUNT) == "0 of 17 nodes"
    page.run("{ const input = document.querySelector('.filters input'); input.value = ''; "
             "input.dispatchEvent(new Event('input')); }")  # fmt: skip
    page.run(filtered("kind", "dead"))
    dead = np.flatnonzero(mlp().boundaries["fc1"].kind == "dead")
    assert page.run(NAMES) == [f"fc1:{node}" for node in dead]
    page.run(filtered("kind", "all"))
    page.run(filtered("effect", "it costs"))
    effects = mlp().effects.tested_nodes
    rows = effects[(effects["layer"] == "fc1") & (effects["intervention"] == "zero-ablation")]
    costly = rows[(rows["q_value"] < 0.05) & (rows["difference"] < 0)]["node"]
    assert page.run(NAMES) == [f"fc1:{node}" for node in costly]


def test_any_column_sorts_both_ways_and_what_is_missing_comes_last(page):
    distance = np.concatenate([mlp().boundaries[name].distance for name in ("fc1", "fc2", "fc3")])
    names = [f"{layer.name}:{node}" for layer in mlp().model.layers for node in range(layer.nodes)]
    known = [i for i in np.argsort(distance, kind="stable") if np.isfinite(distance[i])]
    page.run(heading("distance") + ".click()")
    shown = page.run(NAMES)
    assert shown[: len(known)] == [names[i] for i in known][: len(shown)]
    page.run(heading("distance") + ".click()")
    assert page.run(NAMES)[: len(known)] == [names[i] for i in known[::-1]][: len(shown)]
    assert page.run(heading("distance") + ".parentElement.ariaSort") == "descending"


def test_a_place_is_a_link_away_and_the_back_button_leads_back(page):
    page.run("location.hash = '#all-nodes'")
    page.wait("scrollY > 0")
    page.run("document.querySelector('a[href=\"#fc2:3\"]').click()")
    page.wait("document.querySelector('.place.shown')?.id === 'fc2:3'")
    assert page.run(FOCUS).startswith("fc2:3")
    page.wait("document.getElementById('fc2:3').getBoundingClientRect().top < innerHeight")
    page.run("document.querySelector('.place.shown .steps a:last-child').click()")
    page.wait("document.querySelector('.place.shown')?.id === 'fc2:4'")
    page.run("history.back()")
    page.wait("document.querySelector('.place.shown')?.id === 'fc2:3'")
    page.run("history.back()")
    page.wait("location.hash === '#all-nodes'")
    page.wait("document.getElementById('node-table').getBoundingClientRect().top < innerHeight")


def test_an_address_with_a_node_opens_its_place(tab, written):
    tab.open("about:blank")
    tab.open((written[0] / "report.html").as_uri() + "#fc1:1")
    tab.wait("document.querySelector('.place.shown')?.id === 'fc1:1'")
    tab.wait("Math.abs(document.querySelector('.place.shown').getBoundingClientRect().top) < 100")


def test_the_keyboard_alone_finds_a_node_and_opens_its_place(page):
    page.run("document.querySelector('.filters input').focus()")
    page.write("fc2")
    for _ in range(30):
        page.press("Tab")
        if page.run("document.activeElement.matches('.rows')"):
            break
    page.press("ArrowDown")
    assert page.run(FOCUS) == "fc2:0"
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert page.run(FOCUS) == "fc2:2"
    page.press("End")
    assert page.run(FOCUS) == "fc2:5"
    page.press("ArrowUp")
    page.press("Enter")
    page.wait("document.querySelector('.place.shown')?.id === 'fc2:4'")
    page.wait("document.activeElement.matches('.place h3')")


AXE = find_spec("axe_core_python")  # of a package that only ships axe-core
SERIOUS = """axe.run(document, {resultTypes: ['violations'], ...%s}).then((found) => found.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 200)]))"""


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
def test_axe_finds_nothing_serious(page):
    """Dark, only what hangs on colours is looked at again."""
    page.run("location.hash = '#fc1:2'")
    page.wait("document.querySelector('.place.shown')")
    page.run(Path(AXE.submodule_search_locations[0], "axe.min.js").read_text(encoding="utf-8") + "; true")
    page.pretend(prefers_color_scheme="light")
    assert page.run(SERIOUS % "{}") == []
    page.pretend(prefers_color_scheme="dark")
    assert page.run(SERIOUS % "{runOnly: ['color-contrast', 'link-in-text-block']}") == []
    page.pretend(prefers_color_scheme="")


def test_without_scripts_the_nodes_that_the_page_names_have_their_places(tab, written):
    tab.open("about:blank")
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open((written[0] / "report.html").as_uri() + "#fc2:3")
        shown = "getComputedStyle(document.getElementById('fc2:3')).display"
        assert tab.run(shown) == "block"
        tab.wait("Math.abs(document.getElementById('fc2:3').getBoundingClientRect().top) < 100")
        links = tab.run(
            "[...document.querySelectorAll('main a[href^=\"#\"]')].map((link) => link.getAttribute('href').slice(1))"
        )
        assert len(links) > 10
        assert tab.run(f"{json.dumps(links)}.every((name) => document.getElementById(name) !== null)")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_names_from_files_stay_text(tab, tmp_path):
    bad = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
    names = {name: f"{bad}{name}" for name in ("fc1", "fc2", "fc3")}
    results = renamed(mlp(), names)
    results = replace(results, data=replace(results.data, classes=(bad,) * 3))
    write_report(results, tmp_path, bad, {"verdict": SECTIONS["verdict"], "nodes": SECTIONS["nodes"]})
    tab.open("about:blank")
    tab.events.clear()
    tab.open((tmp_path / "report.html").as_uri())
    tab.wait(DRAWN)
    assert tab.run(NAMES)[0] == f"{bad}fc1:0"
    tab.run("document.querySelector('#node-table tbody a').click()")
    tab.wait("document.querySelector('.place.shown')")
    assert tab.run("document.querySelector('.place.shown').id") == f"{bad}fc1:0"
    assert tab.run("document.querySelectorAll('img[src=x]').length") == 0
    assert not any(event.get("method") == "Page.javascriptDialogOpening" for event in tab.events)
    assert tab.complaints() == []


def of_nodes(count, path):
    """Write the page of a network with so many nodes in its first layer, and give its length."""
    results = widened(replace(mlp(), prototypes={}, clusters={}, attribution={}), "fc1", count)
    page = render(results, {"attribution": SECTIONS["attribution"](results)}, {})
    path.write_text(page, encoding="utf-8")
    return len(page)


def opened(tab, path):
    """Open a page until its table stands; gives its elements, and what its thread took of the processor, in seconds."""
    tab.open("about:blank")
    tab.call("Performance.enable", timeDomain="threadTicks")
    tab.open(path.as_uri())
    tab.wait(DRAWN)
    found = {one["name"]: one["value"] for one in tab.call("Performance.getMetrics")["metrics"]}
    tab.call("Performance.disable")
    return tab.run("document.getElementsByTagName('*').length"), found["TaskDuration"]


def test_a_hundred_thousand_nodes_are_searched_and_scrolled_to_the_end(tab, tmp_path, monkeypatch):
    """What opening takes grows with the nodes, no faster, and by few bytes each; no more rows are drawn.

    The time itself is in docs/page.md: on a busy machine it says nothing of the page.
    """
    monkeypatch.setattr("interp.report.html.render.PAGE", 0)
    monkeypatch.setattr("interp.report.html.render.LEAST", 50_000)  # few places: this is about the table
    bytes_ = [of_nodes(count, tmp_path / f"{count}.html") for count in (10_000, 100_000)]
    (few, short), (many, long) = (opened(tab, tmp_path / f"{count}.html") for count in (10_000, 100_000))
    assert (bytes_[1] - bytes_[0]) / 90_000 < 60
    assert abs(many - few) < 60
    assert long < 20 * short, "ten times as many nodes; what compares all with all would take a hundred times as long"
    assert tab.run(COUNT) == "100,009 of 100,009 nodes"
    tab.run("document.querySelector('.filters input').focus()")
    tab.write("fc1:9999")
    assert tab.run(NAMES)[:2] == ["fc1:9999", "fc1:99990"]
    tab.run("{ const input = document.querySelector('.filters input'); input.value = ''; "
            "input.dispatchEvent(new Event('input')); document.querySelector('.rows').focus(); }")  # fmt: skip
    tab.press("End")
    assert tab.run(FOCUS) == "fc3:2"
    tab.run("document.querySelector('.rows').scrollTop = 1e9")
    tab.wait(f"{NAMES}.at(-1) === 'fc3:2'")
    rows = tab.run("document.querySelectorAll('#node-table tbody tr').length")
    assert rows < 60
    tab.run("location.hash = '#fc1:77777'")
    tab.wait("document.querySelector('.place.shown')?.id === 'fc1:77777'")
