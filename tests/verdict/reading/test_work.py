"""What reading takes is counted, with the calls that a recurrent network makes step by step."""

from types import SimpleNamespace

import pytest
from torch import nn

from interp.verdict.reading.work import PER_STEP, steps_of, work_of


def counted(stepwise, positions, layers=2):
    """Count two layers of 4 nodes with 3 inputs each."""
    found = [SimpleNamespace(name=f"l{i}", nodes=4, inputs=3, tap=f"l{i}", is_stepwise=stepwise) for i in range(2)]
    model = SimpleNamespace(layers=found, module=nn.ModuleDict({"l0": nn.Identity(), "l1": nn.Identity()}))
    at = dict.fromkeys(("l0", "l1"), positions)
    return work_of(model, found[:layers], at), steps_of(model, found[:layers], at)


@pytest.mark.parametrize("layers", [1, 2])
def test_steps_count_where_gates_are_called_one_after_the_other(layers):
    assert counted(False, 12, layers)[1] == 0
    one, many = (counted(True, positions, layers)[1] for positions in (1, 12))
    assert many == 12 * one
    assert one % (2 * PER_STEP * layers) == 0, "both layers are called in every pass"


def test_the_work_of_a_sample_is_the_same_with_and_without_steps():
    assert counted(True, 5)[0] == counted(False, 5)[0]
