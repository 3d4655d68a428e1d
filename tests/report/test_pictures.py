import io
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas
from PIL import Image
from tiny_runs import colours, mlp, oblong

from interp.report.drawing.images import layer_shape, mosaic, network_shape, pixels
from interp.report.drawing.pictures import COLOURS, _encode, draw_all, within
from interp.report.drawing.style import DPI, KIND_COLOURS, figure_style
from interp.report.selection.choose import evenly
from interp.run import processes
from interp.types import Figure

from .planted import widened


def patches():
    """Draw each kind's colour on white, beside a noisy image that uses up the palette."""
    figure = Canvas(figsize=(3, 2))
    axes = figure.subplots()
    axes.imshow(np.random.default_rng(0).random((40, 40)), cmap="viridis")
    for position, colour in enumerate(KIND_COLOURS.values()):
        axes.add_patch(mpl.patches.Rectangle((position * 5, 0), 4, 4, color=colour))
    return figure


def test_few_colours_keep_white_and_the_kinds_exact():
    picture = draw_all([Figure("f", "c", patches)])["f"]
    image = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))
    assert tuple(image[0, 0]) == (255, 255, 255)
    found = {"#{:02x}{:02x}{:02x}".format(*pixel) for pixel in image.reshape(-1, 3)}
    assert set(KIND_COLOURS.values()) <= found


def test_style_does_not_leak():
    before = dict(mpl.rcParams)
    draw_all([Figure("f", "c", patches)])
    assert dict(mpl.rcParams) == before


def test_figure_is_drawn_once():
    calls = []
    draw_all([Figure("f", "c", lambda: calls.append(1) or patches())])
    assert calls == [1]


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_pixels_are_those_that_matplotlib_saves(layout):
    def draw():
        canvas = Canvas(figsize=(4, 2), dpi=77, layout=layout, facecolor="red")
        left, right = canvas.subplots(1, 2)
        left.plot([1, 5, 2], label="a curve")
        left.legend(title="a title")
        right.imshow(np.arange(12).reshape(3, 4), aspect="auto")
        right.set_xlabel("columns")
        canvas.colorbar(right.images[0], ax=right)
        return canvas

    shown = draw_all([Figure("f", "c", draw)])["f"]
    saved = io.BytesIO()
    with figure_style():
        draw().savefig(saved, format="png", dpi=DPI, facecolor="white")
    whole = np.asarray(Image.open(saved).convert("RGB"))
    assert shown.png == _encode(Image.fromarray(whole), COLOURS)


def noise():
    figure = Canvas(figsize=(3, 2))
    figure.figimage(np.random.default_rng(0).random((260, 390)), cmap="gray")
    return figure


def test_pictures_are_halved_until_they_fit():
    pictures = draw_all([Figure("a", "c", noise), Figure("b", "c", noise)])
    budget = sum(len(picture.png) for picture in pictures.values()) // 2
    fitted = within(pictures, budget)
    assert sum(len(picture.png) for picture in fitted.values()) <= budget
    assert fitted["a"].shown_width == pictures["a"].shown_width


def test_nodes_are_chosen_evenly_nearest_first():
    found = widened(mlp(), "fc1", 60).boundaries["fc1"]
    rng = np.random.default_rng(0)
    found = replace(found, distance=np.where(np.isnan(found.distance), np.nan, rng.normal(size=60)))
    chosen = evenly(found, 5, np.arange(60), dead=False)
    distance = np.abs(found.distance)
    assert np.all(np.diff(distance[chosen]) > 0)
    assert distance[chosen[0]] == np.nanmin(distance)
    assert distance[chosen[-1]] == np.nanmax(distance)
    assert len(evenly(found, 100, np.arange(60))) == 60
    assert found.kind[evenly(found, 100, np.arange(60))[-1]] == "dead"


@pytest.mark.parametrize(
    ("results", "network", "own"),
    [
        (mlp, (1, 8, 8), (1, 8, 8)),
        (colours, (3, 6, 6), (3, 3, 3)),
        (oblong, (1, 8, 8), None),
    ],
)
def test_shapes_of_prototypes_in_the_networks_input_and_the_first_layers(results, network, own):
    results = results()
    layer = results.model.layers[0]
    width = results.prototypes[layer.name].network_input["nearest"].shape[1]
    assert network_shape(results, layer, width) == network
    assert layer_shape(results, layer) == own


def test_only_a_convolution_reads_patches_and_a_table_has_no_shape():
    results = mlp()
    layer = results.model.layers[0]
    assert network_shape(results, replace(layer, kind="conv2d"), 9) == (1, 3, 3)
    assert network_shape(results, layer, 9) is None
    assert network_shape(replace(results, data=replace(results.data, image_shape=None)), layer, 64) is None


def test_hidden_layer_does_not_read_images():
    results = mlp()
    second = replace(results.model.layers[1], inputs=64)  # as wide as the images
    assert layer_shape(results, second) is None


def test_mosaic_places_every_image():
    board = mosaic([[np.ones((2, 3)), None], [np.full((2, 3), 2.0), np.full((2, 3), 3.0)]], (2, 3), 1)
    assert board.shape == (5, 7)
    assert np.all(board[:2, :3] == 1)
    assert np.isnan(board[:2, 3:]).all()
    assert np.all(board[3:, 4:] == 3)


def test_three_channels_become_the_last_axis():
    image = pixels(np.arange(12.0), (3, 2, 2))
    assert image.shape == (2, 2, 3)
    assert tuple(image[0, 1]) == (1, 5, 9)


def test_pictures_are_the_same_bytes_with_one_processor_and_two(monkeypatch):
    def figures():
        for number in range(processes.FEWEST + 1):

            def draw(number=number):
                canvas = Canvas(figsize=(3, 2), layout="constrained")
                axes = canvas.subplots()
                axes.plot(np.sin(np.arange(50) / (number + 1)), label=f"curve {number}")
                axes.set_title(f"figure {number}")
                axes.legend()
                return canvas

            yield Figure(f"figure {number}", "", draw)

    monkeypatch.setattr(processes, "can_fork", lambda: True)
    two = draw_all(figures())
    monkeypatch.setattr(processes, "can_fork", lambda: False)
    assert two == draw_all(figures())
    assert list(two) == [f"figure {number}" for number in range(processes.FEWEST + 1)]


@pytest.mark.parametrize(("shape", "drawn"), [((1, 8, 8), (1, 8, 8)), ((1, 32, 2), None)])
def test_long_sequences_are_no_pictures(shape, drawn):
    """Two hundred time steps of three values passed for an image, and sixty of them for a figure of 40,000 pixels."""
    results = mlp()
    gates = tuple(replace(layer, kind="gate", layout="steps") for layer in results.model.layers)
    results = replace(
        results, model=replace(results.model, layers=gates), data=replace(results.data, image_shape=shape)
    )
    assert network_shape(results, gates[0], 64) == drawn
