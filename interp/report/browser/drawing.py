"""Small drawings in SVG, in the page's own colours: each so few characters that every node can have its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from markupsafe import Markup, escape

from interp.report.tables.numbers import number
from interp.types import Array, GaussianFit, ReadingProfile

WIDTH, HEIGHT = 360, 120
FOOT = 16  # pixels below the axis, for its labels
BINS = 40
POINTS = 48
CLASS_POINTS = 17
MOST_CLASSES = 12


def line(x: Array, y: Array, role: str, title: str = "") -> Markup:
    """Draw a line through points in pixels, rounded to tenths.

    Parameters
    ----------
    x, y
        Places in pixels, (points,); gaps where they are not finite.
    role
        Class that the style sheet draws.
    title
        Words shown where the pointer rests.
    """
    known = np.isfinite(x) & np.isfinite(y)
    steps = " ".join(f"{a:.4g} {b:.4g}" for a, b in zip(np.round(x[known], 1), np.round(y[known], 1), strict=True))
    if not steps:
        return Markup("")
    inside = Markup("<title>{}</title>").format(title) if title else Markup("")
    return Markup('<path class="{}" d="M{}">{}</path>').format(role, steps, inside)


def area(x: Array, low: Array, high: Array, role: str) -> Markup:
    """Fill what lies between two lines.

    Parameters
    ----------
    x, low, high
        Places in pixels, (points,).
    role
        Class that the style sheet draws.
    """
    return line(np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]]), role)


def frame(
    parts: Iterable[Markup],
    label: str,
    ticks: Sequence[tuple[float, str]],
    width: int = WIDTH,
    height: int = HEIGHT,
    left: float = 0,
) -> Markup:
    """Set parts above an axis with some labels.

    Parameters
    ----------
    parts
        Elements of SVG, in pixels from the top left.
    label
        Text alternative.
    ticks
        Place of each label in pixels from the left, and its text.
    width, height
        Size in pixels, that of the labels below left out.
    left
        Place at which the axis begins, in pixels from the left.
    """
    base = Markup('<path class="d-axis" d="M{:.4g} {}H{}"/>').format(left, height, width)
    names = Markup("").join(
        Markup('<text x="{:.4g}" y="{}" text-anchor="{}">{}</text>').format(
            place, height + FOOT - 3, "start" if place < left + 20 else "end" if place > width - 20 else "middle", text
        )
        for place, text in ticks
    )
    return Markup('<svg class="drawing" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        width, height + FOOT, label, Markup("").join(parts), base, names
    )


def distribution(fit: GaussianFit, node: int, kind: str, classes: Mapping[int, str]) -> Markup:
    """Draw a node's values z: histogram, mixture, the Gaussian of each class, and the boundary.

    Parameters
    ----------
    fit
        Gaussians and mixtures of the layer.
    node
        Index of the node.
    kind
        Kind of its boundary, which gives the colour.
    classes
        Index of a class -> its name, for those that are drawn.
    """
    low, high = float(fit.minimum[node]), float(fit.maximum[node])
    if not (np.isfinite(low) and np.isfinite(high) and high > low):
        return Markup("<p>Its value is the same on all data: {}.</p>").format(number(low))
    room = 0.35 * (high - low)
    start, end = (min(low, 0.0), max(high, 0.0)) if low - room <= 0 <= high + room else (low, high)
    counts = coarse(np.asarray(fit.histogram[node], float))
    edges = np.linspace(low, high, len(counts) + 1)
    density = counts / max(counts.sum(), 1.0) / (edges[1] - edges[0])
    top = 1.08 * max(float(density.max(initial=0.0)), 1e-300)

    def across(z: Array) -> Array:
        return (z - start) / (end - start) * WIDTH

    def up(values: Array) -> Array:
        return HEIGHT - np.minimum(values / top, 1.0) * HEIGHT

    steps = up(np.repeat(density, 2))
    parts = [area(across(np.repeat(edges, 2)[1:-1]), np.full(len(steps), float(HEIGHT)), steps, f"d-bars {kind}")]
    parts += [line(across(z), up(bell), "d-class", name) for z, bell, name in _class_curves(fit, node, classes)]
    z = np.linspace(low, high, POINTS)
    bells = fit.density(node, z)
    if bells.shape[1]:
        parts.append(line(across(z), up(bells.sum(1)), f"d-line {kind}"))
    ticks = [(0.0, number(start, 2)), (float(WIDTH), number(end, 2))]
    if start <= 0 <= end:
        middle = float(across(np.zeros(1))[0])
        parts.append(Markup('<path class="d-zero" d="M{:.4g} 0V{}"/>').format(middle, HEIGHT))
        if 24 < middle < WIDTH - 24:
            ticks.append((middle, "0"))
    return frame(parts, f"Distribution of z from {number(low, 2)} to {number(high, 2)}", ticks)


def coarse(counts: Array) -> Array:
    """Join neighbouring bins of a histogram until there are about `BINS`.

    Parameters
    ----------
    counts
        Rows in each bin, (bins,).

    Examples
    --------
    >>> coarse(np.ones(160)).tolist()[:3]
    [4.0, 4.0, 4.0]
    """
    divisors = [d for d in range(1, max(len(counts) // BINS, 1) + 1) if len(counts) % d == 0]
    joined: Array = counts.reshape(-1, divisors[-1]).sum(1)
    return joined


def _class_curves(fit: GaussianFit, node: int, classes: Mapping[int, str]) -> Iterable[tuple[Array, Array, str]]:
    """Yield places, densities and names of classes that have a spread."""
    rows = max(float(np.sum(fit.class_count)), 1.0)
    offsets = np.linspace(-3, 3, CLASS_POINTS)
    for label, name in classes.items():
        mean, var = float(fit.class_mean[label, node]), float(fit.class_var[label, node])
        if var > 0:
            sd, share = var**0.5, float(fit.class_count[label]) / rows
            yield mean + sd * offsets, share * np.exp(-(offsets**2) / 2) / (sd * np.sqrt(2 * np.pi)), name


def span(fit: GaussianFit, node: int, label: int) -> Markup:
    """Draw where a class lies among all values of a node: its mean, one standard deviation either way, and z = 0.

    Parameters
    ----------
    fit
        Gaussians of the layer.
    node
        Index of the node.
    label
        Index of the class.
    """
    low, high = min(float(fit.minimum[node]), 0.0), max(float(fit.maximum[node]), 0.0)
    mean, sd = float(fit.class_mean[label, node]), float(np.sqrt(fit.class_var[label, node]))
    if not (high > low and np.isfinite(mean) and np.isfinite(sd)):
        return escape("")
    places = [(value - low) / (high - low) * 120 for value in (0.0, max(mean - sd, low), min(mean + sd, high), mean)]
    return Markup(
        '<svg class="gauge" viewBox="-4 0 128 16" aria-hidden="true"><path d="M0 8H120"/><path class="zero" '
        'd="M{:.4g} 1V15"/><path class="range" d="M{:.4g} 8H{:.4g}"/><circle cx="{:.4g}" cy="8" r="3.5"/></svg>'
    ).format(*places)


def curves(level: Array, lines: Mapping[str, Array], label: str, ends: tuple[str, str]) -> Markup:
    """Draw scores over the level of a clamp.

    Parameters
    ----------
    level
        Levels from 0 to 1, (levels,).
    lines
        Class that the style sheet draws -> scores at these levels.
    label
        Text alternative.
    ends
        Words at the two ends of the axis.
    """
    known = np.concatenate(list(lines.values()))
    top, low = float(np.nanmax(known, initial=0.0)), min(float(np.nanmin(known, initial=0.0)), 0.0)
    height = (top - low) or 1.0
    parts = [line(level * WIDTH, HEIGHT - (v - low) / height * (HEIGHT - 8), role) for role, v in lines.items()]
    return frame(parts, label, [(0.0, ends[0]), (float(WIDTH), ends[1])])


def profile(own: ReadingProfile, width: int = WIDTH, height: int = HEIGHT) -> Markup:
    """Draw how much each tenth of its outputs matters, above the range of copies with random weights.

    Parameters
    ----------
    own
        Reading profile of the layer.
    width, height
        Size in pixels.
    """
    x = np.linspace(MARGIN + 8, width - 8, len(own.curve))
    ends = [own.curve, *own.curve_high.values()]
    top = max(float(np.nanmax(values, initial=0.0)) for values in ends) or 1.0

    def up(values: Array) -> Array:
        return height - np.asarray(values) / top * (height - 10)

    parts = [area(x, up(low), up(own.curve_high[kind]), f"d-copies {kind}") for kind, low in own.curve_low.items()]
    parts += [_heights(up, len(own.curve), width), line(x, up(own.curve), "d-read")]
    label = "Share of what moves decisions, by tenth of the outputs, from the smallest to the largest"
    words = [(MARGIN, "smallest outputs" if width > NARROW else "smallest"), (float(width), "largest")]
    return frame(parts, label, words, width, height, MARGIN)


NARROW = 180
"""Largest width of a reading profile that has no room for two words at either end, in pixels."""

MARGIN = 32.0
"""Place of the axis of a reading profile, in pixels from the left."""


def _heights(up: Callable[[Array], Array], tenths: int, width: int) -> Markup:
    """Label the vertical axis at nothing, and at what each tenth would have if all mattered alike."""
    alike = 1 / tenths
    places = [(float(up(np.array(value))), f"{value:.0%}") for value in (0.0, alike)]
    names = Markup("").join(
        Markup('<text x="{:.4g}" y="{:.4g}" text-anchor="end">{}</text>').format(MARGIN - 4, place + 3, text)
        for place, text in places
    )
    axis = Markup('<path class="d-axis" d="M{:.4g} 0V{:.4g}"/>').format(MARGIN, places[0][0])
    return axis + Markup('<path class="d-alike" d="M{:.4g} {:.4g}H{}"/>').format(MARGIN, places[1][0], width) + names
