"""Numbers of fewer bits are the nearest ones, ties to even, and are read back as float32."""

import numpy as np
import pytest
import torch

from interp.errors import UsageError
from interp.store.precision.kinds import KINDS, find_kind

TORCH = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def values():
    """Numbers of all sizes, and the bits next to ties."""
    rng = np.random.default_rng(0)
    drawn = (rng.normal(size=20_000) * 10.0 ** rng.uniform(-30, 4, 20_000)).astype(np.float32)
    ties = (rng.integers(0, 2**14, 3000).astype(np.uint32) << 16 | 0x8000).view(np.float32)
    beside = np.concatenate([np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf))])
    return np.concatenate([drawn, ties, beside, np.float32([0, -0.0, np.inf, -np.inf, np.nan, 65504, 3.38e38])])


@pytest.mark.parametrize("name", KINDS)
def test_numbers_are_rounded_as_torch_rounds_them(name):
    kind, given = find_kind(name), values()
    stored = kind.encode(given)
    assert stored.dtype == kind.dtype
    expected = torch.from_numpy(given).to(TORCH[name]).float().numpy()
    np.testing.assert_array_equal(kind.decode(stored), expected, strict=True)
    np.testing.assert_array_equal(kind.encode(kind.decode(stored)), stored)


@pytest.mark.parametrize("name", KINDS)
def test_the_largest_number_is_stored_and_none_beyond_it(name):
    kind = find_kind(name)
    assert kind.decode(kind.encode(np.float32([kind.largest]))) == kind.largest
    assert kind.largest == torch.finfo(TORCH[name]).max


def test_a_type_that_is_none_is_answered_with_those_that_are():
    with pytest.raises(UsageError, match="--store-dtype: found 'float61'; expected one of bfloat16, float16, float32"):
        find_kind("float61")
