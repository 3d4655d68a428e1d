import pytest
import torch

from zoo.planted.learned.training import ClampNoise


@pytest.mark.parametrize("sense", ["low", "high"])
def test_clamp_noise_takes_one_end_and_leaves_the_other(sense):
    outputs = torch.rand(500, 6, generator=torch.Generator().manual_seed(0))
    noisy = ClampNoise(sense, torch.Generator().manual_seed(1))(outputs)
    same = noisy == outputs
    assert bool((same | ((noisy < outputs) if sense == "low" else (noisy > outputs))).all())
    kept = outputs < 0.08 if sense == "low" else outputs > 0.92
    assert bool(same[kept].all())
    assert 0.45 < float((~same).float().mean()) < 0.95


def test_clamp_noise_has_one_bound_a_channel():
    outputs = torch.rand(20, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    noisy = ClampNoise("high", torch.Generator().manual_seed(1))(outputs)
    for node in range(3):
        raised = noisy[:, node][noisy[:, node] != outputs[:, node]]
        assert len(raised.unique()) <= 1
