"""What of a file's tensors can be used."""

import pytest
import torch

from interp.checkpoints.weights.tensors import checked_state, tensor_bytes
from interp.errors import CheckpointError


def test_many_names_of_one_storage():
    """Each name would become 4 MB of floats."""
    shared = torch.zeros(1_000_000, dtype=torch.float16)
    state = {f"{number}.weight": shared.view(1000, 1000) for number in range(30)}
    with pytest.raises(CheckpointError, match="30 tensors of 120,000,000 bytes in 2,000,000 that they share"):
        checked_state(state, "file")


def test_tied_weights_are_fine():
    shared = torch.zeros(1000, 1000)
    assert len(checked_state({"first.weight": shared, "last.weight": shared.T}, "file")) == 2


@pytest.mark.filterwarnings("ignore")
def test_zero_point_beyond_its_type():
    odd = torch._empty_affine_quantized([4, 3], scale=0.1, zero_point=2**31 - 1, dtype=torch.qint8)
    with pytest.raises(CheckpointError, match="a zero point that its type holds"):
        checked_state({"weight": odd}, "file")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool])
def test_bytes_are_the_values_in_order_whatever_the_strides(dtype):
    whole = torch.arange(12).reshape(3, 4).to(dtype)
    assert tensor_bytes(whole.T) == tensor_bytes(whole.T.clone(memory_format=torch.contiguous_format))
    assert tensor_bytes(whole[:1, 2]) == tensor_bytes(torch.full((), 2).to(dtype))
    assert tensor_bytes(whole[:0]) == b""
