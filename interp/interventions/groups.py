"""Sweeps of what the user names: some nodes, some layers, or both, changed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.errors import UsageError, unknown_name
from interp.interventions.edits import Edit, Ranges, find_intervention, on_nodes
from interp.interventions.engine.measure import Measured, measure, measure_together
from interp.interventions.levels import levels
from interp.interventions.readouts.rows import corrected, labelled, level_rows
from interp.types import LoadedModel, Split
from interp.types.annotations.frames import pd

Group = Mapping[str, tuple[int, ...] | None]
"""Layer name -> its nodes that are changed together with the other layers'; None: all of them."""


def find_group(model: LoadedModel, sites: Sequence[str], where: str = "sites") -> Group:
    """Read names of layers (``layers.0``) and nodes (``layers.0:17``) as one group.

    Parameters
    ----------
    model
        Network of any task.
    sites
        Names of layers, ``layers.0``, and addresses of nodes, ``layers.0:17``.
    where
        Name of what the user gave, for error messages.

    Returns
    -------
    group
        Layer name -> numbers of its nodes; None for the whole layer.

    Raises
    ------
    UsageError
        If there is no such layer or node; close names are given.
    """
    found: dict[str, tuple[int, ...] | None] = {}
    for site in sites:
        layer, node = _find_site(model, site, where)
        nodes = found.get(layer, ())
        found[layer] = None if node is None or nodes is None else tuple(dict.fromkeys((*nodes, node)))
    if not found:
        raise UsageError(where, found="no layer or node", expected="one or more", do="name some, such as layers.0:17")
    return found


def _find_site(model: LoadedModel, site: str, where: str) -> tuple[str, int | None]:
    known = {layer.name: layer for layer in model.layers}
    name, colon, node = site.rpartition(":")
    if site in known:
        return site, None
    if not colon or name not in known:
        raise unknown_name(where, name if colon else site, known)
    if not node.isdecimal() or int(node) >= known[name].nodes:
        raise UsageError(
            where,
            found=repr(site),
            expected=f"{name}:0 to {name}:{known[name].nodes - 1}",
            do="choose one of these nodes",
        )
    return name, int(node)


def sweep_group(
    model: LoadedModel,
    split: Split,
    ranges: Mapping[str, Ranges],
    sites: Sequence[str],
    intervention: str,
    count: int = 20,
) -> pd.DataFrame:
    """Sweep some layers and nodes, all changed at the same level at once.

    Parameters
    ----------
    model
        Network of any task.
    split
        Samples to measure the score on.
    ranges
        Output ranges of the nodes of each layer, by its name; with means for the intervention ``mean``.
    sites
        Names of layers and addresses of nodes, such as ``["layers.0"]``, ``["layers.0:3", "layers.0:9"]`` or
        ``["layers.0", "layers.2:4"]``.
    intervention
        Name in `INTERVENTIONS`, or ``package.module:name``.
    count
        Number of levels; the published ones are always among them.

    Returns
    -------
    table
        Rows of `Effects.groups`; q-values are over these levels.

    Raises
    ------
    UsageError
        If there is no such layer, node or intervention.

    Examples
    --------
    >>> from interp.checkpoints import load_model
    >>> model, data = load_model("zoo/pretrained/relu-digits.pt")
    >>> from interp.interventions import output_ranges
    >>> ranges = {layer.name: output_ranges(model, layer, data.train.inputs) for layer in model.layers}
    >>> found = sweep_group(model, data.splits["test"], ranges, ["hidden:3", "hidden:9"], "zero", 3)
    >>> found["group"].iloc[0], found["level"].tolist(), found["no_op"].tolist()
    ('hidden:3, hidden:9', [0.0, 0.5, 1.0], [True, False, False])
    """
    group, at = find_group(model, sites), levels(intervention, count)
    edits = [{name: _edit(intervention, level, ranges[name], nodes) for name, nodes in group.items()} for level in at]
    found = _measured(model, group, edits, split)
    rows = level_rows([(intervention, float(level)) for level in at], found)
    return corrected(labelled(rows, group=", ".join(sites), split="given"), "intervention", "split")


def _edit(intervention: str, level: float, ranges: Ranges, nodes: tuple[int, ...] | None) -> Edit:
    act = find_intervention(intervention)
    return act(level, ranges) if nodes is None else on_nodes(act, level, ranges, nodes)


def _measured(model: LoadedModel, group: Group, edits: Sequence[Mapping[str, Edit]], split: Split) -> Measured:
    """Take the quick way where one layer is concerned."""
    if len(group) > 1:
        return measure_together(model, edits, split, ", ".join(group))
    name = next(iter(group))
    return measure(model, model.layer(name), [one[name] for one in edits], split, name)
