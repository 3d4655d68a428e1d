"""The front door: a network and its data -> everything that the program finds of it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from torch import nn

from interp.api.analysis import Analysis
from interp.api.gathering import by_turns, is_divided
from interp.api.options import settings_of, spelled_out
from interp.checkpoints import Network, as_found
from interp.data import fixed_draws
from interp.errors import UsageError
from interp.ranks import ALONE, current, silent
from interp.run import (
    Run,
    cut_names,
    data_options_from,
    find_stage,
    load_options_from,
    locked,
    options_from,
    remove_run,
    run_stages,
    start,
    told,
)
from interp.types.annotations.edge import checked
from interp.types.annotations.flags import Meant

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from interp.api.options import Said


@checked
def analyse(
    source: Network,
    data: Any = None,
    *,
    stages: Annotated[
        str | Sequence[str] | None, Meant("names of stages, or None for all", do="for example stages=['fit']")
    ] = None,
    until: str | None = None,
    others: Sequence[Network] = (),
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **options: Unpack[Said],
) -> Analysis:
    """Look at every node of a trained network: what ``interp report`` does, for a notebook or script.

    A module in memory is left exactly as it was found: mode, device, hooks, buffers, gradients. So are the random
    number generators of torch, numpy and Python.

    Inside ``with interp.ranks.job():`` the processes that torchrun started divide the work, and each gets the result.
    Of a module that `torch.distributed.fsdp.fully_shard` divided over them the first does the work, and the others help
    it to gather weights.

    Parameters
    ----------
    source
        Network: a module in memory, a checkpoint's path, or an architecture's name such as ``torchvision:resnet18``.
    data
        Data it was trained on: a name, a path, ``(inputs, targets)``, arrays by name, a DataFrame, a torch Dataset or
        DataLoader, what `interp.stream` makes of data that do not fit in memory, or ``{"train": ..., "test": ...}`` of
        these, as `interp.load_dataset` takes them. None for those that a checkpoint of the zoo names.
    stages
        Names of the stages to run, or one name, with those that they need; None for all.
    until
        Name of the last stage before the page, which then says what was left out; None for all stages. Not together
        with `stages`.
    others
        Further networks of the same architecture, for tests over several networks.
    out
        Folder for the files of the stages, which a later call with the same network and options goes on from; None
        for a temporary one, removed with the result. Processes of a job need one that all of them see.
    overwrite
        Whether results of another network in that folder are replaced.
    progress
        Whether a line is written to the error stream after each stage.
    **options
        Settings, named as the flags of the command line; see below.

    Other Parameters
    ----------------
    seed
        Seed of the random number generators; 0 where it is None.
    store
        Samples of each split whose activations are written to disk: all (True), a share (``0.1`` or ``"10%"``) or a
        number (``5000``) that a hash of index and seed draws, or none (False), and then statistics of all are, and
        stages that need single values run the network again.
    store_dtype
        Type that activations are stored as: ``float32``, ``float16`` or ``bfloat16``.
    predictions
        Whether the class that the network predicts for each sample is recorded.
    forward_dtype
        Type of the network's products while it is recorded: ``float32`` or ``bfloat16``.
    positions
        Number of positions of each sample that are recorded of convolutions, or of time steps of a sequence; None for
        as many as make a table of bounded length.
    codec
        Codec that stored activations are packed with, without loss: ``none`` or ``gzip``.
    preset
        Name of thresholds that belong together: ``default`` or ``as-nn``.
    epsilon
        Largest distance of a coherent boundary to a cluster's mean, in sigma.
    scaling
        Scaling of stored inputs: ``raw``, ``x/A``, ``(x/A-B)/C`` (B, C: numbers, or lists in
        brackets of one a channel) or ``(x-mean)/std``; None to infer it.
    activation
        Activation of hidden layers: ``relu``, ``abs``, ``tanh``, ..., or one for each with commas; None to infer it.
    output
        Form of the outputs: ``linear``, ``activation``, ``negated-activation``, ``sigmoid``, ``softmax``,
        ``log-softmax``, ``tanh`` or ``relu``; None to infer it.
    task
        Task of the network: ``classification``, ``binary``, ``multi-label``, ``regression`` or
        ``autoencoder``; None to infer it.
    logits
        Key, attribute or position of the output with the logits, of a module with several outputs; None to infer it.
    format
        Format of the file, or ``package.module:name`` of a reader of your own; None to tell it from the content.
    member
        Number (from 0) or name of one of several state dicts in the file; None for the one most like the network's.
    prefix
        Beginning of the names of the tensors to read, where a file holds several networks; None for all.
    fixed_point
        Number of binary digits behind the point of weights stored as whole numbers; None where they are not.
    label_order
        Output of label 0, of label 1, and so on, with commas between them, or ``given`` to leave labels as they are;
        None to put another order right where no doubt is left of it.
    heads
        Number of heads of the attention in a bare state dict; None to find it from the data.
    weighed_rows
        Largest number of training rows of which all are looked at where some do not tell the activation of bare
        weights; None for 6,000.
    only
        Names of the layers to look at, with commas between them; the others run, and nothing is recorded of them.
    model
        ``package.module:callable`` that returns the module which a file's weights belong to.
    weights
        File with the weights of an architecture given by name; None to draw them at random.
    allow_pickle
        Whether a file may run code; only if you trust it.
    target
        Column of a table to be predicted, or ``none``; None for a column of a usual name, else the last.
    data_root
        Folder in which data sets are looked for.
    offline
        Whether downloads are forbidden.
    header
        Whether the first line of a ``.csv`` names its columns: ``yes`` or ``no``; None to ask where it holds numbers.
    fill
        What stands in for missing values of a table: ``mean``, ``median`` or ``zero``; None to refuse them.
    categories
        Encoding of columns of text: ``one-hot``, ``drop-first`` or ``codes``.
    image_size
        Side in pixels to which images of a folder are resized and cut; None to leave them.
    interventions
        Names of the interventions on each layer: ``scale``, ``clip``, ``offset``, ``clamp-min``, ``clamp-max``,
        ``zero``, ``mean``, or ``package.module:name``.
    levels
        Number of levels of each intervention.
    layers
        Names of the layers to sweep; None for all.
    nodes
        Nodes to sweep too, each on its own, such as ``["fc1:17"]``.
    together
        Groups of layers or nodes to sweep too, each group at once, such as ``[["fc1:17", "fc1:18"]]``.
    curve_levels
        Number of levels of each node's clamp curves; 0 leaves them out.
    ablation
        Whether single nodes are silenced.
    everything
        Whether all of a large network is looked at, however long that takes.
    quick
        Whether less is looked at, in less time; what is left out stands among the limits.
    nodes_per_layer, single_nodes, swept_layers, inputs
        Largest number of nodes of a layer with mixtures and prototypes, of nodes of a swept layer changed one by one,
        of layers swept, and of inputs of each split that they are swept on.
    read_copies
        Number of copies of each kind that the reading of layers is set beside; None: 100 a layer less one.

    Returns
    -------
    Analysis
        Tables of nodes, layers and effects, the verdict, and ``save`` for files and page.

    Raises
    ------
    CheckpointError
        If the network cannot be read or run.
    DataError
        If the data cannot be used, or are not this network's.
    UsageError
        If an option is wrong, a name is unknown, with the close ones, or processes of a job have no folder in common.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_digits
    >>> x, y = load_digits(return_X_y=True)
    >>> net = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
    >>> found = analyse(net, (x[:200], y[:200]), stages=["boundaries"], scaling="x/16", quick=True, nodes_per_layer=4)
    >>> found.nodes.shape, net.training
    ((18, 21), True)
    """
    if any(map(is_divided, (source, *others))):
        _shared(out)

        def work(networks: Sequence[Network], is_first: bool) -> Analysis:
            mine: Any = {"others": networks[1:], "overwrite": overwrite and is_first, "progress": progress and is_first}
            return analyse(networks[0], data, stages=stages, out=out, **mine, **options)

        with silent(not current().is_first):
            return by_turns((source, *others), work)
    said = settings_of(options)
    _check_one_way(stages, until)
    wanted = None if stages is None else _stage_names(stages)
    draws, folder = fixed_draws(options_from(said).seed), _Folder(_shared(out))
    with silent(not current().is_first), ExitStack() as stack:
        failed = stack.enter_context(ExitStack())
        failed.callback(folder.remove)
        stack.enter_context(draws)
        for network in (source, *others):
            if isinstance(network, nn.Module):
                stack.enter_context(as_found(network))
        run = _started(source, data, folder.path, said, others, wanted, until or "", overwrite)
        stack.enter_context(locked(run.out, run.ranks))
        if overwrite:
            run.ranks.from_first(lambda: remove_run(run.out, [stage.file for stage in run.stages.values()]))
        names = None if wanted is None else [find_stage(name).name for name in wanted]
        found = run_stages(run, names, told if progress else None)
        alone = replace(run, ranks=ALONE)  # whoever asks the result for something asks no other process
        if not run.ranks.is_first:
            found = {name: alone.read(name) for name in found}
        run.ranks.told(None)  # no process goes on, and may replace the files, before all have read them
        failed.pop_all()
    ends = {} if until is None else {"until": until}
    return Analysis(alone, found, _call(source, data, ends | options), folder)


analyse.__signature__ = spelled_out(analyse)  # type: ignore[attr-defined]


def _shared(out: str | Path | None) -> str | Path | None:
    """Refuse a temporary folder, which the other processes of a job would not find."""
    if out is None and current().size > 1:
        do = "give out=, a folder that all processes see"
        raise UsageError("analyse", found="several processes and no folder", expected="one for all of them", do=do)
    return out


def _started(
    source: Network,
    data: Any,
    out: Path,
    said: Mapping[str, Any],
    others: Sequence[Network],
    stages: Sequence[str] | None,
    until: str,
    overwrite: bool,
) -> Run:
    """Load what was given; stages of the user's own are those that are named by their code."""
    load, where, options = load_options_from(said), data_options_from(said), options_from(said)
    further = [name for name in stages or () if ":" in name]
    return start(source, out, data, load, where, options, others, further, until, overwrite)


def _check_one_way(stages: object, until: str | None) -> None:
    """Refuse a last stage where the stages are named: both say what is run."""
    if stages is not None and until is not None:
        found, expected = "until= beside stages=", "one of them"
        raise UsageError("analyse", found=found, expected=expected, do="leave out stages= for a page")


def _stage_names(stages: Any) -> tuple[str, ...]:
    """Read the names of stages, wrong ones answered with the close ones."""
    names = cut_names(stages, "stages")
    for name in names:
        find_stage(name)
    return names


def _call(source: Network, data: Any, options: Mapping[str, Any]) -> str:
    """Give the call as text, what is in memory by its type."""
    words = [_word(source), _word(data), *(f"{name}={value!r}" for name, value in options.items())]
    return f"interp.analyse({', '.join(words)})"


def _word(value: Any) -> str:
    return repr(str(value)) if isinstance(value, str | Path) else f"<{type(value).__name__}>"


class _Folder:
    """Folder of a run: the user's own, or a temporary one that is removed when nobody holds this any more."""

    def __init__(self, out: str | Path | None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="interp-")) if out is None else Path(out)
        temporary = [self.path] if out is None else []
        self._removal = weakref.finalize(self, _remove, temporary)

    def remove(self) -> None:
        """Remove the folder if it is a temporary one."""
        self._removal()


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
