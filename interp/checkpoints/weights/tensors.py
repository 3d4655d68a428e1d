"""Which tensors of a file can be used: named plainly, dense, with finite values that the file really holds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from interp.checkpoints.weights.companions import is_companion
from interp.checkpoints.weights.metrics import without_metrics
from interp.errors import CheckpointError, first_line

LONGEST_NAME = 200
SHARED_OFTEN = 16  # bytes of all tensors as floats over bytes stored: tied weights of 8 bits come to 8 at most
SHARED_MUCH = 100_000_000  # bytes below which sharing does no harm


def checked_state(state: Mapping[str, Tensor], path: object) -> dict[str, Tensor]:
    """Give the tensors that a network can be made of, quantised ones as floats.

    Raises
    ------
    CheckpointError
        If a tensor holds no usable numbers, or a name cannot be printed.
    """
    for name, tensor in state.items():
        _check_name(name, path)
        _check_storage(name, tensor, path)
    _check_sharing(state, path)
    plain = {name: _dequantised(name, tensor, path) for name, tensor in state.items()}
    for name, tensor in without_metrics(plain).items():  # the best of a metric is infinite before there is one
        if not is_companion(name):
            _check_finite(name, tensor, path)
    return plain


def tensor_bytes(tensor: Tensor) -> bytes:
    """Give the values of a tensor on any device, of any type, in their order."""
    flat = tensor.detach().cpu().flatten().clone(memory_format=torch.contiguous_format)  # one value may have any stride
    return flat.view(torch.uint8).numpy().tobytes()


def _check_name(name: str, path: object) -> None:
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise CheckpointError(
            path,
            found=f"a parameter name of {len(name):,} characters, {name[:40]!r}",
            expected=f"printable names of at most {LONGEST_NAME}",
            do="save model.state_dict() of a module with ordinary names",
        )


def _check_storage(name: str, tensor: Tensor, path: object) -> None:
    """Refuse what holds no numbers; a tensor of stride 0 can claim any size, so it must not exceed its storage."""
    found = None
    if tensor.layout != torch.strided or tensor.is_complex():
        found = f"{name} of layout {tensor.layout} and type {tensor.dtype}"
    elif tensor.is_meta:
        found = f"{name} without values (device meta)"
    elif tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        found = f"{name} declared as {tensor.numel():,} values of which the file holds fewer"
    if found:
        raise CheckpointError(path, found=found, expected="dense real tensors", do="save model.state_dict() on the CPU")


def _check_sharing(state: Mapping[str, Tensor], path: object) -> None:
    """Refuse a file whose names share so few values that the network would take many times its memory."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in state.values()}
    declared, stored = sum(4 * tensor.numel() for tensor in state.values()), sum(storages.values())
    if declared > max(SHARED_OFTEN * stored, SHARED_MUCH):
        raise CheckpointError(
            path,
            found=f"{len(state):,} tensors of {declared:,} bytes in {stored:,} that they share",
            expected=f"at most {SHARED_OFTEN} times what is stored",
            do="do not trust this file",
        )


def _dequantised(name: str, tensor: Tensor, path: object) -> Tensor:
    if not tensor.is_quantized:
        return tensor
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces the end of quantised types; old files stay
            return tensor.dequantize()
    except RuntimeError as error:
        raise CheckpointError(
            path,
            found=f"{name} that does not turn into floats ({first_line(error)})",
            expected="a zero point that its type holds",
            do="copy or download it again",
        ) from error


def _check_finite(name: str, tensor: Tensor, path: object) -> None:
    if tensor.is_floating_point() and not torch.isfinite(tensor).all():
        bad = int((~torch.isfinite(tensor)).sum())
        raise CheckpointError(
            path,
            found=f"{bad:,} values that are NaN or infinite in {name}",
            expected="finite weights",
            do="use an earlier checkpoint: this one comes from a training that diverged",
        )
