"""Train the networks of one recipe for many seeds, block by block, resumably."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tqdm import tqdm

from interp.errors import UsageError
from interp.store import check_writable
from interp.types import Dataset
from zoo import checkpoints
from zoo.architectures import build
from zoo.recipes import Recipe
from zoo.training.epochs import Samples, prepare, run_epoch
from zoo.training.evaluate import metrics, scaled
from zoo.training.partial import find_partials, partial_path, restore, save_partial
from zoo.training.stacks import Stack, start

Watcher = Callable[[Stack, int], None]


@dataclass(frozen=True)
class TrainOptions:
    """Settings of a training that do not change its result: folder, device, saving.

    Attributes
    ----------
    out
        Folder of the checkpoints.
    device
        Device that the networks are trained on, ``cpu`` or ``cuda``.
    block
        Largest number of models trained as one stack; 0 chooses by architecture and device.
    save_every
        Seconds between the states that a killed run continues from; by default those that the environment's
        ``ZOO_SAVE_EVERY`` says, else 60.
    numbered
        Whether the seed stands in the file's name even where there is only one.
    watch
        Function of the stack and the number of epochs done, called before the first epoch and after each.
    """

    out: Path = Path("runs")
    device: str = "cpu"
    block: int = 0
    save_every: float = field(default_factory=lambda: float(os.environ.get("ZOO_SAVE_EVERY", "60")))
    numbered: bool = False
    watch: Watcher | None = None


@dataclass
class _Outcome:
    paths: dict[int, Path] = field(default_factory=dict)
    diverged: dict[int, int] = field(default_factory=dict)  # seed -> epoch by which it did


def train(recipe: Recipe, seeds: Sequence[int], data: Dataset, options: TrainOptions = TrainOptions()) -> list[Path]:
    """Train one network a seed; what is finished already is left as it is.

    Parameters
    ----------
    recipe
        Architecture, data and hyper-parameters.
    seeds
        Seeds of the networks. A seed's start, sample order and result do not depend on the others.
    data
        Data set that the recipe names.
    options
        Folder, device and saving.

    Returns
    -------
    list of Path
        Checkpoints, in the order of the seeds.

    Raises
    ------
    UsageError
        If a network's loss stops being finite (the others are trained and kept), the device is missing or the folder
        cannot be written.
    MismatchError
        If a checkpoint of that name holds another training.
    DataError
        If the data have no labels.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from interp.types import Split
    >>> x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(8, 2)
    >>> data = Dataset("mine", {"train": Split(x, (x.sum(axis=1) > 0).astype(int))}, None, ("no", "yes"), (), "")
    >>> recipe = Recipe("abs", "abs", "mine", "raw", (2,), {"inputs": 2, "hidden": 3, "classes": 2}, epochs=1)
    >>> with TemporaryDirectory() as folder:
    ...     [path.name for path in train(recipe, [0, 1], data, TrainOptions(Path(folder)))]
    ['abs-mine-000.pt', 'abs-mine-001.pt']
    """
    _check_device(options.device)
    names = checkpoint_paths(recipe, seeds, options)
    outcome = _Outcome({seed: path for seed, path in names.items() if checkpoints.is_finished(path, recipe, seed)})
    todo = [seed for seed in seeds if seed not in outcome.paths]
    if todo:
        check_writable(options.out)
        splits = scaled(data, recipe)
        for block, state in _blocks(recipe, todo, options):
            stack = start(recipe, block, splits["train"][0], options.device)
            samples = prepare(stack, recipe, *splits["train"])
            begun = restore(stack, state) if state else 0
            outcome.diverged |= {seed: begun for seed in block if seed not in stack.seeds}
            _run(stack, recipe, samples, begun, block, options, outcome)
            _finish(stack, recipe, splits, names, outcome)
            partial_path(options.out, recipe, block).unlink(missing_ok=True)
    if outcome.diverged:
        raise _divergence(recipe, outcome)
    return [names[seed] for seed in seeds]


def checkpoint_paths(recipe: Recipe, seeds: Sequence[int], options: TrainOptions) -> dict[int, Path]:
    """Say where each seed's checkpoint goes.

    Parameters
    ----------
    recipe
        Recipe of the training.
    seeds
        Seeds of the networks.
    options
        Folder of the checkpoints, and whether a single one has its seed in its name.

    Returns
    -------
    dict
        Seed -> path of its checkpoint.

    Examples
    --------
    >>> paths = checkpoint_paths(Recipe("abs", "abs", "mnist", "raw", (784,)), [7], TrainOptions(Path("runs")))
    >>> paths[7].name
    'abs-mnist.pt'
    """
    numbered = options.numbered or len(seeds) > 1
    return {seed: options.out / checkpoint_name(recipe, seed if numbered else None) for seed in seeds}


def checkpoint_name(recipe: Recipe, seed: int | None) -> str:
    """Name a checkpoint.

    Parameters
    ----------
    recipe
        Recipe of the training.
    seed
        Seed of the network; None leaves it out of the name.

    Examples
    --------
    >>> recipe = Recipe("abs", "abs", "digits", "x/16", (64,))
    >>> checkpoint_name(recipe, None), checkpoint_name(recipe, 7)
    ('abs-digits.pt', 'abs-digits-007.pt')
    """
    return f"{recipe.name}-{Path(recipe.data).stem}" + (".pt" if seed is None else f"-{seed:03d}.pt")


def _blocks(
    recipe: Recipe, seeds: Sequence[int], options: TrainOptions
) -> Iterable[tuple[list[int], dict[str, object] | None]]:
    """Interrupted blocks first, with the very models they had: batched products round alike only then."""
    left = list(seeds)
    for _, state in find_partials(options.out, recipe):
        if set(state["seeds"]) & set(left):
            left = [seed for seed in left if seed not in state["seeds"]]
            yield list(state["seeds"]), state
    size = options.block or _block_size(recipe, options.device)
    for begin in range(0, len(left), size):
        yield left[begin : begin + size], None


def _block_size(recipe: Recipe, device: str) -> int:
    """Convolutions run faster one model at a time on a CPU; products of many models share the overhead."""
    if recipe.architecture.startswith("lenet") and device == "cpu":
        return 1
    return 10 if device == "cpu" else 64


def _run(
    stack: Stack, recipe: Recipe, samples: Samples, begun: int, block: list[int], options: TrainOptions, out: _Outcome
) -> None:
    saved = time.monotonic()
    label = f"{recipe.name} seeds {block[0]}-{block[-1]}"
    if options.watch and not begun:
        options.watch(stack, 0)
    for epoch in tqdm(range(begun, recipe.epochs), label, initial=begun, total=recipe.epochs, disable=None):
        losses = run_epoch(stack, recipe, samples, epoch)
        _drop_diverged(stack, losses, epoch, out)
        if not len(stack):
            return
        if options.watch:
            options.watch(stack, epoch + 1)
        if time.monotonic() - saved > options.save_every and epoch + 1 < recipe.epochs:
            save_partial(partial_path(options.out, recipe, block), stack, block, epoch + 1)
            saved = time.monotonic()


def _drop_diverged(stack: Stack, losses: torch.Tensor, epoch: int, outcome: _Outcome) -> None:
    finite = torch.isfinite(losses).tolist()
    if all(finite):
        return
    outcome.diverged |= {seed: epoch + 1 for seed, fine in zip(stack.seeds, finite, strict=True) if not fine}
    stack.keep([row for row, fine in enumerate(finite) if fine])


def _finish(
    stack: Stack,
    recipe: Recipe,
    splits: dict[str, tuple[torch.Tensor, torch.Tensor]],
    names: dict[int, Path],
    outcome: _Outcome,
) -> None:
    module = build(recipe.architecture, **recipe.arguments).eval()
    for index, seed in enumerate(stack.seeds):
        state = stack.member(index)
        module.load_state_dict({name: value.cpu() for name, value in state.items()})
        path = names.get(seed, next(iter(names.values())).parent / checkpoint_name(recipe, seed))
        checkpoints.save(path, recipe, state, seed=seed, epoch=recipe.epochs, metrics=metrics(module, splits))
        outcome.paths[seed] = path


def _check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda", found="no CUDA device", expected="a GPU that torch sees", do="use cpu")


def _divergence(recipe: Recipe, outcome: _Outcome) -> UsageError:
    seeds = ", ".join(f"{seed} by epoch {epoch}" for seed, epoch in sorted(outcome.diverged.items()))
    return UsageError(
        f"{recipe.name} on {recipe.data}",
        found=f"a loss that is not finite for seed {seeds}",
        expected="a finite loss",
        do=f"lower --lr (now {recipe.lr:g}); the {len(outcome.paths)} other networks are kept",
    )
