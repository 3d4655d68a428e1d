"""Work on several items at once: in order, with torch as it was before, whatever happens on the way."""

import threading

import pytest
import torch

from interp.network.quick.side_by_side import side_by_side


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order(threads):
    assert list(side_by_side(lambda item: item * item, range(20))) == [item * item for item in range(20)]
    assert torch.get_num_threads() == threads


def test_each_thread_has_one_of_torchs_and_as_many_run_as_torch_has(threads):
    met = threading.Barrier(threads, timeout=30)  # breaks where fewer run at once

    def work(_):
        met.wait()
        return torch.get_num_threads()

    assert list(side_by_side(work, range(threads))) == [1] * threads


def test_an_error_of_an_item_is_raised_and_items_that_wait_are_not_begun(threads):
    begun = []

    def work(item):
        begun.append(item)
        if item == 0:
            raise ValueError("no")
        return item

    with pytest.raises(ValueError, match="no"):
        list(side_by_side(work, range(100)))
    assert len(begun) < 10
    assert torch.get_num_threads() == threads
