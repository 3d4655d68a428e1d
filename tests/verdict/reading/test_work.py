"""What reading takes is counted, with the calls that a recurrent network makes step by step."""

from types import SimpleNamespace

import pytest
from torch import nn

from interp.verdict.reading.work import PER_STEP, PER_STEP_VALUE, PER_VALUE, steps_of, work_of


def counted(stepwise, positions, layers=2, runs=1):
    """Count two layers of 4 nodes with 3 inputs each."""
    found = [SimpleNamespace(name=f"l{i}", nodes=4, inputs=3, tap=f"l{i}", is_stepwise=stepwise) for i in range(2)]
    module = nn.ModuleDict({"l0": nn.Identity(), "l1": nn.Identity()})
    model = SimpleNamespace(layers=found, every_layer=found, module=module)
    at = dict.fromkeys(("l0", "l1"), positions)
    return work_of(model, found[:layers], at), steps_of(model, found[:layers], at, runs)


@pytest.mark.parametrize("layers", [1, 2])
def test_steps_count_where_gates_are_called_one_after_the_other(layers):
    assert counted(False, 12, layers)[1] == 0
    one, many = (counted(True, positions, layers)[1] for positions in (1, 12))
    assert many == 12 * one
    assert one % (2 * PER_STEP * layers) == 0, "both layers are called in every pass"


def test_blocks_of_samples_are_runs_of_their_own_and_a_stack_shares_one():
    assert counted(True, 5, runs=7)[1] == 7 * counted(True, 5)[1]
    assert counted(True, 5, runs=1 / 25)[1] == counted(True, 5)[1] // 25


def test_the_values_of_gates_count_in_every_pass():
    plain, stepwise = (counted(said, 5)[0] for said in (False, True))
    passes = (plain - 2 * 2 * 4 * 3 * 5) // (2 * (2 * 4 * 3 * 5 + PER_VALUE * 4 * 5))
    values = 4 * 5
    in_all, read = 2 * values * PER_VALUE, values * (PER_STEP_VALUE - PER_VALUE)
    assert stepwise - plain == 2 * (in_all + passes * (in_all + read))
