import os

import pytest
import torch

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for commands that tests start


@pytest.fixture(autouse=True)
def one_thread():
    """Small products on two threads wait for each other when the machine is busy, up to 10 times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
