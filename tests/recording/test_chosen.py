"""Rows of a layer's output that are recorded."""

import numpy as np
import pytest
import torch

from interp.recording.chosen import chosen_rows
from interp.types import NodeLayer


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_rows_are_copied_from_the_drawn_positions_and_nothing_else(layout):
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.normal(size=(5, 3, 4, 6)).astype(np.float32)).to(memory_format=layout)
    drawn = rng.integers(0, 24, (5, 7), dtype=np.int32)
    rows, position = chosen_rows(z, NodeLayer("c", "conv2d", 3, 9, "relu", "c"), drawn)
    expected = [z[i, :, place // 6, place % 6].numpy() for i in range(5) for place in drawn[i]]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(position, drawn.ravel())
    before = rows.clone()
    z.zero_()  # as an activation in place does
    assert torch.equal(rows, before)


@pytest.mark.parametrize("steps", [1, 4])
def test_rows_of_linear_maps_are_copied_too(steps):
    z = torch.arange(2.0 * steps * 3).reshape(2, steps, 3)
    z = z[:, 0] if steps == 1 else z
    every = np.broadcast_to(np.arange(steps, dtype=np.int32), (2, steps))
    rows, position = chosen_rows(z, NodeLayer("a", "linear", 3, 2, "relu", "a"), every)
    assert torch.equal(rows, z.reshape(-1, 3))
    assert len(position) == (0 if steps == 1 else 8)
    assert rows.data_ptr() != z.data_ptr()


@pytest.mark.parametrize("steps_first", [True, False])
@pytest.mark.parametrize("every", [1, 3])
def test_rows_are_found_wherever_samples_and_positions_lie_in_memory(steps_first, every):
    """Steps before samples, samples that hold more than is looked at, and values that all samples share."""
    whole = torch.arange(4.0 * 6 * 10).reshape(4, 6, 10)
    z = (whole.transpose(0, 1) if steps_first else whole)[:, ::every, 1:9:2]
    drawn = np.random.default_rng(0).integers(0, z.shape[1], (len(z), 5), dtype=np.int32)
    for each in (z, z[:1].expand(len(z), -1, -1), z[:, :1].expand(-1, z.shape[1], -1), z[:1, :1].expand(z.shape)):
        rows, _ = chosen_rows(each, NodeLayer("a", "linear", 4, 2, "relu", "a"), drawn)
        np.testing.assert_array_equal(rows, np.take_along_axis(each.numpy(), drawn[:, :, None], 1).reshape(-1, 4))
        assert rows.is_contiguous()
