"""Denormal numbers are 0 within, in the thread that asks, and afterwards what they were before."""

import threading

import pytest
import torch

from interp.network.quick.denormals import DENORMAL, are_zero, denormals_as_zero

CAN = torch.set_flush_denormal(True)
torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def as_torch_begins():
    yield
    torch.set_flush_denormal(False)


@pytest.mark.skipif(not CAN, reason="this processor has no such setting")
def test_a_product_that_is_denormal_is_0_within_and_what_it_was_afterwards():
    one, factor = torch.tensor([2.0**-100]), 2.0**-40
    with denormals_as_zero():
        assert one.mul(factor).item() == 0
        assert one.mul(2.0**-20).item() == 2.0**-120  # what is not denormal stays
    assert one.mul(factor).item() == DENORMAL


@pytest.mark.skipif(not CAN, reason="this processor has no such setting")
def test_what_was_set_before_stays_set():
    torch.set_flush_denormal(True)
    with denormals_as_zero():
        pass
    assert are_zero()


def test_an_error_within_leaves_nothing_set():
    with pytest.raises(ValueError, match="no"), denormals_as_zero():
        raise ValueError("no")
    assert not are_zero()


def test_another_thread_keeps_its_own():
    found = []
    other_goes, other_went = threading.Event(), threading.Event()

    def look():
        other_goes.wait(30)
        found.append(are_zero())
        other_went.set()

    thread = threading.Thread(target=look)
    thread.start()
    with denormals_as_zero():
        other_goes.set()
        assert other_went.wait(30)
    thread.join()
    assert found == [False]
