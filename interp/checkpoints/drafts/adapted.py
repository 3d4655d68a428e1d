"""Modules of several inputs, or of outputs that are no single tensor, run as one tensor to one tensor."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from interp.checkpoints.drafts.request import Request
from interp.data.lengths import MASK, TOKENS, padded, tokens_for, with_counted_lengths
from interp.errors import CheckpointError, DataError, UsageError, unknown_name
from interp.types import Dataset, Inference, InputPart
from interp.types.data import LENGTHS

LOGITS = "logits"
ROUNDING = 1e-4
"""Largest difference of outputs between two runs that is no draw of random numbers; a share of the largest output."""


class Taking(NamedTuple):
    """How an `Adapted` network is run: parts of a row, whether by name and with lengths, and the output taken."""

    parts: tuple[InputPart, ...]
    by_name: bool
    output: str
    with_lengths: bool = True
    flat: bool = False
    seeded: bool = False


class Adapted(nn.Module):
    """A network that takes rows (B, D) and gives logits (B, C), whose parts keep their names.

    Parameters
    ----------
    network
        Network that is run; it is left as it is, and its parts are shared.
    parts
        Arrays that a row holds, one after the other; empty where the network takes the row as it is.
    by_name
        Whether parts are passed by their names, or else in order.
    output
        Dotted name of the logits among its outputs, as `tensors_of` names them; empty for the outputs themselves.
    with_lengths
        Whether the last part is passed too; lengths of sequences are not where the network takes none.
    flat
        Whether outputs of more axes, such as images, are one row a sample.
    seeded
        Whether every run draws the same random numbers, and leaves the generators as they were.
    """

    _taking: Taking

    def __init__(
        self,
        network: nn.Module,
        parts: Sequence[InputPart] = (),
        by_name: bool = False,
        output: str = "",
        with_lengths: bool = True,
        flat: bool = False,
        seeded: bool = False,
    ) -> None:
        super().__init__()
        self.__dict__.update(network=network, _modules=network._modules)  # no child of its own: names stay
        self.__dict__.update(_parameters=network._parameters, _buffers=network._buffers)
        # a part of the network may be named "output"
        self.__dict__["_taking"] = Taking(tuple(parts), by_name, output, with_lengths, flat, seeded)
        self.training = network.training

    def forward(self, inputs: Tensor) -> Any:
        """Give the logits (B, C); where none of several outputs was chosen yet, these as they are."""
        with _same_draws(inputs.device) if self._taking.seeded else nullcontext():
            outputs = self._outputs(inputs)
        output = self._taking.output
        taken = dict(tensors_of(outputs))[output] if output else outputs
        if self._taking.flat:
            return taken.flatten(1)
        is_one = isinstance(taken, Tensor) and taken.dim() < 2 and taken.numel() == len(inputs)
        return taken.reshape(len(inputs), 1) if is_one else taken

    def _outputs(self, inputs: Tensor) -> Any:
        network = self.__dict__["network"]
        parts, by_name, with_lengths = self._taking.parts, self._taking.by_name, self._taking.with_lengths
        if not parts:
            return network(inputs)
        columns = torch.split(inputs, [part.width for part in parts], dim=1)
        values = [_as_part(part, column) for part, column in zip(parts, columns, strict=True)]
        if not with_lengths:
            return network(*values[:-1])
        if by_name:
            return network(**{part.name: value for part, value in zip(parts, values, strict=True)})
        return network(*values)


@contextmanager
def _same_draws(device: torch.device) -> Iterator[None]:
    """Let torch draw what seed 0 gives, and leave its generators as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed other devices too, for good
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(0)
        yield


def _as_part(part: InputPart, columns: Tensor) -> Tensor:
    values = columns.reshape(len(columns), *part.shape)
    if part.logical:
        return values != 0
    return values.round().long() if part.whole else values


def tensors_of(outputs: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in a tuple, mapping or dataclass, those inside others too, by dotted name.

    Examples
    --------
    >>> [name for name, _ in tensors_of({"loss": None, "logits": torch.ones(2, 3), "states": (torch.ones(2),)})]
    ['logits', 'states.0']
    """
    if isinstance(outputs, Tensor):
        yield name, outputs
    for key, value in _parts_of(outputs):
        yield from tensors_of(value, f"{name}.{key}" if name else str(key))


def _parts_of(outputs: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(outputs, Mapping):
        yield from outputs.items()
    elif hasattr(outputs, "_asdict"):
        yield from outputs._asdict().items()
    elif isinstance(outputs, (tuple, list)):
        yield from ((str(place), value) for place, value in enumerate(outputs))
    elif is_dataclass(outputs):
        yield from ((field.name, getattr(outputs, field.name)) for field in fields(outputs))


# --------------------------------------------------------------------------- inputs


def taken_tokens(module: nn.Module, data: Dataset | None) -> Dataset | None:
    """Give what a tokenizer wrote in the arrays that a module takes: by name, in order, or as sequences with lengths.

    Parameters
    ----------
    module
        Module that takes the data.
    data
        Data set, which is given as it is where its inputs are no tokenizer's; None for none.
    """
    if data is None or len(data.parts) < 2:
        return data
    named, most, open_ended = _arguments(module)
    takes_any = open_ended and not most
    in_order = TOKENS not in named and len(_required(module)) == len(data.parts) and "len" not in named[1]
    return data if takes_any or in_order else tokens_for(data, named)


def said_of_padding(module: nn.Module, data: Dataset | None) -> dict[str, Inference]:
    """Say that a network which takes a mask reads padding on, where data of tokens alone are padded and have no mask.

    Parameters
    ----------
    module
        Module that takes the data.
    data
        Data set as the module is run on it; None for none.

    Returns
    -------
    facts
        Fact ``padding``; empty for other networks and data.
    """
    if data is None or [part.name for part in data.parts if part.whole] != ["x"] or MASK not in _arguments(module)[0]:
        return {}
    if not padded(with_counted_lengths(replace(data, parts=())).parts):
        return {}
    why = f"token 0 pads rows, and the network takes an {MASK}, which the data lack: give {MASK}_train beside input_ids"
    return {"padding": Inference("read on", "uncertain", why)}


def take_parts(module: nn.Module, data: Dataset | None, path: object) -> nn.Module:
    """Pass each array of the data to the argument of its name, or in order where no name is an argument's.

    Raises
    ------
    DataError
        If the module takes other arguments.
    """
    if data is None or not data.parts:
        return module
    named, most, open_ended = _arguments(module)
    names = [part.name for part in data.parts]
    if names == ["x", LENGTHS] and _takes_no_lengths(module):
        return Adapted(module, data.parts, with_lengths=False)
    by_name = set(names) <= set(named) or (open_ended and not set(names) & set(named) and not most)
    if not by_name and not len(_required(module)) <= len(names) <= most:
        raise DataError(
            data.name,
            found=f"inputs {', '.join(names)}",
            expected=f"the arguments of {path}: {', '.join(named) or 'none'}",
            do="name the arrays as forward names its arguments",
        )
    return Adapted(module, data.parts, by_name)


def _arguments(module: nn.Module) -> tuple[list[str], int, bool]:
    """Give the names of forward's arguments, how many it takes in order, and whether it takes any name."""
    if names := getattr(module, "argument_names", None):
        return list(names), len(names), False
    said = inspect.signature(module.forward).parameters.values()
    ordered = [one for one in said if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    most = 10**6 if any(one.kind is one.VAR_POSITIONAL for one in said) else len(ordered)
    named = [one.name for one in said if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    return named, most, any(one.kind is one.VAR_KEYWORD for one in said)


def _takes_no_lengths(module: nn.Module) -> bool:
    """Whether a second argument would be something else than lengths, such as a state, or there is none."""
    named, most, _ = _arguments(module)
    second = named[1] if len(named) > 1 else ""
    return LENGTHS not in named and (most < 2 or (len(_required(module)) < 2 and "len" not in second))


def _required(module: nn.Module) -> list[str]:
    if names := getattr(module, "argument_names", None):
        return list(names)
    said = inspect.signature(module.forward).parameters.values()
    return [
        one.name
        for one in said
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]


# --------------------------------------------------------------------------- outputs


def take_output(
    module: nn.Module, outputs: Any, samples: int, asked: Request
) -> tuple[nn.Module, dict[str, Inference]]:
    """Take the logits where a network gives more than one tensor, one number a sample, or more axes than one.

    Parameters
    ----------
    module
        Network, which is adapted where needed.
    outputs
        Outputs of the network on some samples, in any form.
    samples
        Number of these samples.
    asked
        Data and options, which may name the output.

    Returns
    -------
    module
        The given module where it gives one tensor (batch, outputs) or what cannot be used, else an `Adapted` one.
    facts
        Fact ``scores_from``: the output that was taken, with the reason; empty where there is one only.

    Raises
    ------
    CheckpointError
        If none of several outputs can be logits.
    UsageError
        If the user names an output that does not exist.
    """
    given = asked.options.logits
    if isinstance(outputs, Tensor):
        if given is not None:
            raise UsageError(
                f"--logits {given}", found="a network of one output", expected="several", do="leave it out"
            )
        is_one, is_row = outputs.dim() == 1 and len(outputs) == samples, _is_row(outputs, samples, asked.data)
        return (_adapted(module, output="", flat=is_row) if is_one or is_row else module), {}
    every = dict(tensors_of(outputs))
    shown = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in every.items())
    usable = _usable(every, samples, asked.data)
    if given is not None and given not in usable:
        raise unknown_name("--logits", given, usable)
    if not usable:
        raise CheckpointError(
            asked.path,
            found=f"a {type(outputs).__name__} of {shown or 'no tensors'}",
            expected="one tensor (batch, outputs) among the outputs",
            do="wrap the module with --model so that it gives one",
        )
    name, said = _chosen(usable, given, asked.data, shown)
    return _adapted(module, output=name, flat=every[name].dim() > 2), {"scores_from": said}


def _adapted(module: nn.Module, **said: Any) -> Adapted:
    """Adapt a module, or one that is adapted in further ways."""
    known = module._taking._asdict() if isinstance(module, Adapted) else {}
    return Adapted(module.__dict__["network"] if known else module, **{**known, **said})


def _is_row(tensor: Tensor, samples: int, data: Dataset | None) -> bool:
    """Whether more axes than one are a row a sample: as many values as inputs or targets have, or maps of one place."""
    if tensor.dim() < 3 or len(tensor) != samples or not samples:
        return False
    width = tensor.numel() // samples
    known = set() if data is None or data.parts else {data.width}
    known |= set() if data is None or data.train.targets is None else {data.train.targets.shape[1]}
    return width in known | {tensor.shape[1]}


def _usable(every: Mapping[str, Tensor], samples: int, data: Dataset | None) -> dict[str, Tensor]:
    """Keep what has a row a sample: of several numbers if there are such, else of one."""
    rows = {
        name: tensor.flatten(1) if tensor.dim() > 2 else tensor
        for name, tensor in every.items()
        if tensor.is_floating_point()
        and ((1 <= tensor.dim() <= 2 and len(tensor) == samples) or _is_row(tensor, samples, data))
    }
    return {name: tensor for name, tensor in rows.items() if tensor.dim() == 2} or rows


def _classes(data: Dataset | None) -> int:
    """Count the classes of the data, 0 if unknown."""
    return 0 if data is None or data.train.labels is None else int(data.train.labels.max()) + 1


def _chosen(usable: Mapping[str, Tensor], given: str | None, data: Dataset | None, shown: str) -> tuple[str, Inference]:
    """Choose an output and say why: as given, the only one, called logits, or by the number of classes or inputs."""
    classes = _classes(data)
    if given is not None:
        return given, Inference(given, "certain", f"given with --{LOGITS}; the outputs are {shown}")
    called = [name for name in usable if name.rpartition(".")[2] == LOGITS]
    fits = [name for name, tensor in usable.items() if tensor.shape[1:] == (classes,)]
    copies = [] if data is None else [name for name, tensor in usable.items() if tensor.shape[1:] == (data.width,)]
    if len(usable) == 1:
        (name,) = usable
        return name, Inference(name, "certain", f"the only one of (batch, outputs); the outputs are {shown}")
    if len(called) == 1:
        return called[0], Inference(called[0], "likely", f"called {LOGITS}; the outputs are {shown}")
    if len(copies) == 1 and not called and not fits:
        why = f"the only one of as many values as the inputs; the outputs are {shown}"
        return copies[0], Inference(copies[0], "likely", why)
    if len(fits) == 1 and not copies:  # beside a copy of the inputs it may be the code of an autoencoder
        return fits[0], Inference(fits[0], "likely", f"the only one of {classes} values a row; the outputs are {shown}")
    name = (called or fits or list(usable))[0]
    return name, Inference(
        name, "uncertain", f"the first of several; name one with --{LOGITS}; the outputs are {shown}"
    )


# --------------------------------------------------------------------------- random numbers


@torch.no_grad()
def take_draws(module: nn.Module, example: Tensor) -> tuple[nn.Module, dict[str, Inference]]:
    """Let a network that draws random numbers, such as a variational autoencoder, draw the same in every run.

    Parameters
    ----------
    module
        Network that takes rows and gives one tensor.
    example
        Two samples as the network takes them, (2, ...).

    Returns
    -------
    module
        The given module where two runs on the same samples give the same, else an `Adapted` one.
    facts
        Fact ``draws``, with how far apart two runs are; empty for a network that draws nothing.
    """
    first, second = module(example), module(example)
    if not isinstance(first, Tensor) or first.shape != second.shape or not first.is_floating_point():
        return module, {}
    apart, most = float((first - second).abs().nan_to_num().max()), float(first.abs().nan_to_num().max())
    if apart <= ROUNDING * most:
        return module, {}
    why = f"outputs for the same two samples differ by up to {apart:.2g} between two runs (the largest is {most:.2g})"
    said = f"{why}: the network draws random numbers in use too; each run here draws those of seed 0"
    return _adapted(module, seeded=True), {"draws": Inference("the same in every run", "certain", said)}
