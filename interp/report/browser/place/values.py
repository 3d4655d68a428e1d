"""The values of a node: their distribution, and where its layer is read."""

from __future__ import annotations

from interp.report.browser import drawing
from interp.report.browser.place.known import Known, Panels, class_labels, class_name, panel
from interp.types import NodeLayer


def values(known: Known, layer: NodeLayer, node: int) -> Panels:
    """Draw the distribution of a node, and where its layer is read.

    Parameters
    ----------
    known
        Results, and what was looked up in them.
    layer
        Layer of the node.
    node
        Index of the node in the layer.
    """
    results, parts = known.results, []
    fit, found = results.fits.get(layer.name), results.boundaries.get(layer.name)
    if fit is not None:
        labels = class_labels(known, layer, node)[: drawing.MOST_CLASSES]
        classes = {label: class_name(results, label) for label in labels}
        drawn = drawing.distribution(fit, node, str(found.kind[node]) if found else "", classes)
        thin = "; thin lines: its classes" if classes else ""
        parts.append(
            panel(drawn, f"Its value z over the training data, with the fitted mixture{thin}. The upright is z = 0.")
        )
    if profile := known.profile(layer.name):
        words = f"Where {layer.name} as a whole is read: the share of what moves decisions, beside untrained copies."
        parts.append(panel(profile, words))
    yield "Values", parts
