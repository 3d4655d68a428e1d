"""The executor: runs every edit of a site over the samples of a split, one block of rows after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import TypeVar

import torch
from tqdm import tqdm

from interp.errors import DataError
from interp.interventions.engine.answers import ByClass, Scoring
from interp.interventions.engine.blocks import Block, open_block
from interp.interventions.engine.outcomes import Outcomes
from interp.interventions.engine.plans.choose import Plan, find_plan
from interp.interventions.engine.sites import ChainSite, HookedSite, JointEdit, Site
from interp.network.copies import one_thread
from interp.network.inputs import rows_a_block
from interp.network.quick.side_by_side import side_by_side
from interp.types import Array, LoadedModel

Part = TypeVar("Part")


def run_edits(
    model: LoadedModel,
    site: Site,
    edits: Sequence[JointEdit],
    inputs: Array,
    scoring: Scoring,
    collect: Callable[[Block, Iterable[Outcomes]], Part],
    note: str = "",
) -> Iterator[Part]:
    """Run every edit of a site over some inputs, and yield what `collect` makes of each block of rows, in order.

    Parameters
    ----------
    model
        Network that the site belongs to.
    site
        Layers to intervene on.
    edits
        Edits of these layers.
    inputs
        Stored inputs, (S, D).
    scoring
        Labels or targets of all samples, and how outputs are compared with them.
    collect
        Function of a block and the outcomes of all edits on it, some edits at a time; it may run in another thread.
    note
        Description of the progress bar; by default the site's name.

    Raises
    ------
    DataError
        If there are no inputs.
    """
    if not len(inputs):
        raise DataError(site.name, found="no samples", expected="one or more", do="check the data")
    plan = find_plan(edits, site, scoring)
    threads = _threads(plan, site)
    place = site.among(torch.get_num_threads()) if plan.full and isinstance(site, HookedSite) else site
    has_copies = isinstance(place, HookedSite) and bool(place.copies)
    # sums of per-sample scores are added up block by block: blocks are the same whatever the number of threads;
    # those of copies, too, each of which has a block's values in memory
    is_shared = threads == 1 and not has_copies and isinstance(scoring, ByClass)
    size = rows_a_block(model, torch.get_num_threads() if is_shared else 1)
    alone = one_thread if has_copies else nullcontext

    @torch.no_grad()
    def one(start: int) -> Part:
        with alone():
            block = open_block(model, place, inputs, scoring, slice(start, start + size))
            return collect(block, plan.outcomes(block))

    starts = range(0, len(inputs), size)
    parts = side_by_side(one, starts, threads)
    return iter(tqdm(parts, total=len(starts), desc=note or site.name, unit="blocks", disable=None))


def _threads(plan: Plan, site: Site) -> int:
    """Give how many blocks to work on at once.

    Full passes over what follows a layer are long enough for threads. Quick plans are operations of some ten
    microseconds, between which threads of Python would wait for each other; where hooks are set, edits are shared
    among copies of the network, as `HookedSite.among` has it.
    """
    return torch.get_num_threads() if plan.full and isinstance(site, ChainSite) else 1


def check_numbers(where: str, unknown: int, samples: int) -> None:
    """See that the unperturbed network's outputs are numbers on every sample.

    Parameters
    ----------
    where
        Name of the layer, for the error message.
    unknown
        Number of samples whose output is not a number.
    samples
        Number of all samples.

    Raises
    ------
    DataError
        If some are not.
    """
    if unknown:
        raise DataError(
            where,
            found=f"{unknown:,} of {samples:,} samples whose output is not a number",
            expected="finite outputs of the unperturbed network",
            do="check the weights, the scaling and these samples",
        )
