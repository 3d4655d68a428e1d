"""Inputs as a reader knows them: images as pictures, rows of tables in their own units, tokens as text."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from markupsafe import Markup

from interp.report.browser.tiles import Tones, picture, tile
from interp.report.tables.numbers import number
from interp.types import Array, Dataset

SHOWN = 5  # examples of each sort
FEATURES = 10  # columns of a table of examples
TOKENS = 24
RANGE_ROWS = 1000  # inputs that the range of an image's values is read off


def tones_of(data: Dataset) -> Tones | None:
    """Give the shape of a data set's images and their range of values; None where inputs are no images.

    Parameters
    ----------
    data
        Data set.
    """
    shape = data.image_shape
    if shape is None or prod(shape) != data.width or not len(data.train):
        return None
    some = np.asarray(data.train.inputs[:RANGE_ROWS], float)
    return Tones(shape, float(np.nanmin(some)), max(float(np.nanmax(some)), float(np.nanmin(some)) + 1e-12))


def known_rows(data: Dataset, rows: Array) -> Array:
    """Give each sample once, in its order: of a convolution several positions of one may be among them.

    Parameters
    ----------
    data
        Data set.
    rows
        Indices of training samples, (T,); those that are none are left out.

    Returns
    -------
    Array
        Indices of samples, each once.
    """
    some = [int(row) for row in np.asarray(rows) if 0 <= row < len(data.train)]
    return np.array(list(dict.fromkeys(some)), int)


def pictures(data: Dataset, rows: Array, tones: Tones) -> Markup:
    """Show inputs of the training split as pictures, with their labels.

    Parameters
    ----------
    data
        Data set of images.
    rows
        Indices of the samples, (T,).
    tones
        Shape of the images, and their range of values.
    """
    tiles = (tile(picture(data.train.inputs[row], tones), label_of(data, row)) for row in rows[:SHOWN].tolist())
    return Markup('<div class="tiles-row">{}</div>').format(Markup("").join(tiles))


def label_of(data: Dataset, row: int) -> str:
    """Name a training sample by its class, or its values to be predicted, or else its number.

    Parameters
    ----------
    data
        Data set.
    row
        Index of the sample.
    """
    split = data.train
    if split.labels is not None and np.ndim(split.labels) == 1:
        label = int(split.labels[row])
        return str(data.classes[label]) if 0 <= label < len(data.classes) else str(label)
    if split.targets is not None and split.targets.shape[1] <= 3:
        return ", ".join(number(float(value)) for value in split.targets[row])
    return f"sample {row}"


def input_name(data: Dataset, place: int, steps: tuple[int, int] | None = None) -> str:
    """Name one value of an input: as the data do, else by its time step, else by its number.

    Parameters
    ----------
    data
        Data set of rows of values.
    place
        Index of the value in a row.
    steps
        Number of time steps of an input and of values at each; None where it is no sequence.

    Examples
    --------
    >>> from interp.data import load_dataset
    >>> mine = load_dataset({"x": [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]], "y": [0]})
    >>> input_name(mine, 5), input_name(mine, 5, (3, 2)), input_name(mine, 2, (6, 1))
    ('input 5', 'time step 2, value 1', 'time step 2')
    """
    if place < len(data.features):
        return str(data.features[place])
    if steps is None or place >= steps[0] * steps[1]:
        return f"input {place}" if steps is None else "length"
    step, value = divmod(place, steps[1])
    return f"time step {step}, value {value}" if steps[1] > 1 else f"time step {step}"


def table(data: Dataset, lines: Mapping[str, Array], chosen: Array, steps: tuple[int, int] | None = None) -> Markup:
    """Show rows of a table in the units of the data, a column an input.

    Parameters
    ----------
    data
        Data set of rows of values.
    lines
        Name of a line -> its values, (I,).
    chosen
        Indices of the inputs that are shown.
    steps
        Number of time steps of an input and of values at each; None where it is no sequence.
    """
    names = [input_name(data, i, steps) for i in chosen.tolist()]
    head = Markup("").join(Markup('<th scope="col" class="right">{}</th>').format(name) for name in names)
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            name,
            Markup("").join(Markup('<td class="right">{}</td>').format(number(float(values[i]))) for i in chosen),
        )
        for name, values in lines.items()
    )
    return Markup(
        '<div class="wide" tabindex="0" role="region" aria-label="Inputs"><table class="plain"><thead><tr><td></td>{}'
        "</tr></thead><tbody>{}</tbody></table></div>"
    ).format(head, rows)


def tokens(data: Dataset, rows: Array) -> Markup:
    """Show samples of a network that takes tokens as text, each part in a line.

    Parameters
    ----------
    data
        Data set with parts.
    rows
        Indices of the samples, (T,).
    """
    lines = []
    for row in rows[:SHOWN].tolist():
        start, said = 0, []
        for part in data.parts:
            values = np.asarray(data.train.inputs[row, start : start + part.width])
            shown = " ".join(f"{int(v)}" if part.whole else number(float(v)) for v in values[:TOKENS])
            said.append(f"{part.name}: {shown}{' …' if part.width > TOKENS else ''}")
            start += part.width
        lines.append(Markup("<li>{} <small>{}</small></li>").format("; ".join(said), label_of(data, row)))
    return Markup('<ul class="tokens">{}</ul>').format(Markup("").join(lines))


def is_tokens(data: Dataset) -> bool:
    """Whether inputs are, at least in part, whole numbers that stand for themselves.

    Parameters
    ----------
    data
        Data set.
    """
    return any(part.whole for part in data.parts)
