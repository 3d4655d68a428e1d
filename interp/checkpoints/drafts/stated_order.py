"""Images in the order of axes that a file states for its input, where that is channels last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interp.checkpoints.deployed.network import Deployed
from interp.checkpoints.drafts.choose import draft
from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.graph.steps import Graph, Part, Step
from interp.data.images.orders import rows_channels_last
from interp.network.branches import INPUT
from interp.types import Inference

TURNED = "input with its channels last"
"""Name of the value that a graph reads in place of its input."""


def is_stated_last(asked: Request) -> bool:
    """Tell whether the file states its input as an image of the data with its channels last, and in no other order.

    Parameters
    ----------
    asked
        Contents of the file, data and options.
    """
    graph, data = asked.contents.graph, asked.data
    if graph is None or graph.sizes is None or data is None or data.parts or data.image_shape is None:
        return False
    channels, *sides = data.image_shape
    stated = graph.sizes[1:]
    return channels > 1 and _may_be((*sides, channels), stated) and not _may_be((channels, *sides), stated)


def _may_be(shape: tuple[int, ...], stated: Sequence[int | None]) -> bool:
    return len(shape) == len(stated) and all(size in (None, own) for own, size in zip(shape, stated, strict=True))


def in_stated_order(found: Draft | None, asked: Request) -> Draft:
    """Draft a network on images with their channels last, as its file states its input.

    Parameters
    ----------
    found
        Network as it runs on rows of one channel after the other, or on images with their channels first; None where
        it runs on neither.
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError, DataError
        If it does not run on images with their channels last either.
    """
    data, graph = asked.data, asked.contents.graph
    assert data is not None
    assert graph is not None
    if found is not None and any(isinstance(part, Deployed) for part in found.module.modules()):
        return found  # which turns images itself
    is_flat = found is not None and len(found.input_shape) == 1
    turned = (
        draft(replace(asked, data=rows_channels_last(data)))
        if is_flat
        else draft(replace(asked, contents=replace(asked.contents, graph=_turned(graph))))
    )
    sizes = ", ".join("N" if size is None else str(size) for size in graph.sizes or ())
    stored = "last" if "channels" in data.facts else "first"
    in_rows = "in each row too" if stored == "last" else "but last in each row"
    value = f"{stored}, {in_rows if is_flat else 'turned for the file'}"
    fact = Inference(value, "certain", f"an input [{sizes}] is stated in the file")
    return replace(turned, facts={**turned.facts, "channels": fact})


def _turned(graph: Graph) -> Graph:
    """Put a step that moves the channels of images to their end before a graph."""
    first = Step("channels_last", Part("Permute", {"dims": (0, 2, 3, 1)}), (INPUT,), TURNED)
    steps = [replace(step, inputs=tuple(TURNED if x == INPUT else x for x in step.inputs)) for step in graph.steps]
    return replace(graph, steps=(first, *steps))
