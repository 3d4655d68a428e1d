"""Small drawings in SVG: they show what they are of, within their frame, and never a number that is none."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from tiny_runs import DEAD, mlp

from interp.report.browser import drawing
from interp.report.browser.drawing import HEIGHT, WIDTH


def points(svg, role):
    """Places of the first path of a class."""
    found = next(path for path in ElementTree.fromstring(svg).iter("path") if path.get("class") == role)
    numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", found.get("d"))]
    return np.array(numbers).reshape(-1, 2)


def test_the_histogram_is_as_high_where_there_are_as_many():
    fit = mlp().fits["fc1"]
    counts = drawing.coarse(np.asarray(fit.histogram[0], float))
    bars = points(drawing.distribution(fit, 0, "coherent", {}), "d-bars coherent")
    tops = HEIGHT - bars[: 2 * len(counts), 1]
    assert np.allclose(tops[::2], tops[1::2])
    assert np.allclose(tops[::2] / tops.max(), counts / counts.max(), atol=0.002)
    assert bars[:, 0].min() >= 0
    assert bars[:, 0].max() <= WIDTH


def test_the_upright_stands_where_z_is_zero():
    fit = mlp().fits["fc2"]
    node = int(np.argmax((fit.minimum < 0) & (fit.maximum > 0)))
    svg = str(drawing.distribution(fit, node, "adhoc", {0: "zero <b>"}))
    place = float(re.search(r'class="d-zero" d="M([\d.]+) 0', svg)[1])
    low, high = min(fit.minimum[node], 0), max(fit.maximum[node], 0)
    assert place == pytest.approx(-low / (high - low) * WIDTH, abs=0.5)
    assert "<title>zero &lt;b&gt;</title>" in svg


def test_a_constant_value_is_said_in_words():
    fit = mlp().fits["fc1"]
    flat = replace(fit, minimum=fit.minimum * 0 + 2, maximum=fit.maximum * 0 + 2)
    assert drawing.distribution(flat, 0, "dead", {}) == "<p>Its value is the same on all data: 2.00.</p>"


@pytest.mark.parametrize("node", range(8))
def test_nothing_drawn_is_nan(node):
    fit = mlp().fits["fc1"]
    assert "nan" not in str(drawing.distribution(fit, node, "dead", {0: "a", 1: "b"}))
    assert "nan" not in str(drawing.span(fit, node, 0))
    blank = replace(fit, minimum=fit.minimum * np.nan, class_mean=fit.class_mean * np.nan)
    assert "nan" not in str(drawing.distribution(blank, node, "dead", {0: "a"}))
    assert str(drawing.span(blank, DEAD, 0)) == ""


def test_a_profile_has_its_copies_behind_it():
    own = mlp().reading["fc1"]
    svg = drawing.profile(own)
    line = points(svg, "d-read")
    assert len(line) == len(own.curve)
    assert np.argmin(line[:, 1]) == np.argmax(own.curve)
    classes = [path.get("class") for path in ElementTree.fromstring(svg).iter("path")]
    assert classes.index("d-copies shuffled") < classes.index("d-read")


def test_clamp_curves_start_from_zero_and_end_at_the_best():
    level = np.array([0.0, 0.5, 1.0])
    svg = drawing.curves(level, {"d-min": np.array([1.0, 0.5, 0.0]), "d-max": np.array([0.2, 1.0, 1.0])}, "x", ("", ""))
    assert points(svg, "d-min").tolist() == [[0, 8], [WIDTH / 2, 64], [WIDTH, HEIGHT]]
    assert points(svg, "d-max")[0].tolist() == [0, pytest.approx(97.6)]
