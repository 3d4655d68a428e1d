"""Comparisons for notebooks and scripts: networks in, tables and a page out."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from interp.api.options import settings_of
from interp.checkpoints import Network, as_found
from interp.comparison.compare import compare_members
from interp.comparison.members import STAGES, open_members, sources_of
from interp.comparison.result import Comparison
from interp.comparison.snapshots import unpacked
from interp.data import fixed_draws
from interp.ranks import apart, current, silent
from interp.report.comparison.page import write_comparison
from interp.run import data_options_from, load_options_from, options_from
from interp.types.annotations.edge import checked

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from interp.api.options import Said


@checked
def compare(
    *networks: Network,
    data: Any = None,
    out: str | Path | None = None,
    brief: bool = False,
    overwrite: bool = False,
    snapshots: bool = False,
    **options: Unpack[Said],
) -> Comparison:
    """Compare networks on the same data: what ``interp compare`` does, for a notebook or script.

    Comparing is not divided: inside ``with interp.ranks.job():`` each process that calls it works on its own, and the
    first alone writes into the folder.

    Parameters
    ----------
    *networks
        Modules in memory, checkpoints' paths, folders of checkpoints (runs of one group), or names of architectures.
    data
        Data set, as `analyse` takes it; None for the one that the first network names.
    out
        Folder that takes ``compare.html``, ``compare.json`` and the files of each network; None for none.
    brief
        Whether prototypes and what layers are read at are left out.
    overwrite
        Whether results of other networks in that folder are replaced.
    snapshots
        Whether the networks are snapshots of one training; a file may then hold several of them.
    **options
        Settings, named as in `analyse`.

    Returns
    -------
    Comparison
        Tables of networks, pairs, classes, layers and nodes.

    Raises
    ------
    CheckpointError
        If a network cannot be read or run.
    DataError
        If the data cannot be used.
    UsageError
        If there are fewer than two networks, or they have different tasks or numbers of outputs.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.randn(60, 4), torch.arange(60) % 3
    >>> first, second = nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    >>> found = compare(first, second, data=(x, y), brief=True, quick=True)
    >>> found.pairs.loc[0, "test"]
    'exact McNemar (sign test)'
    """
    said = settings_of(options)
    stages = STAGES[:1] if brief else STAGES
    written = out if current().is_first else None
    with silent(not current().is_first), ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="interp-"))
        stack.enter_context(apart())
        stack.enter_context(fixed_draws(options_from(said).seed))
        for network in networks:
            if isinstance(network, nn.Module):
                stack.enter_context(as_found(network))
        folder = temporary if written is None else written
        sources = sources_of(unpacked(networks, folder) if snapshots else networks)
        given = (load_options_from(said), data_options_from(said), options_from(said))
        members = open_members(sources, data, folder, *given, stages, overwrite)
        found = compare_members(members, snapshots)
    if written is not None:
        write_comparison(found, written, f"interp.compare({', '.join(repr(source.name) for source in sources)})")
    return found
