"""Work in a process of its own that can be killed, without the seconds that a new interpreter takes to import torch."""

import multiprocessing
import warnings
from collections.abc import Callable
from multiprocessing.process import BaseProcess

import torch


def forked(work: Callable, *arguments: object) -> BaseProcess:
    """Begin to run a function in a copy of this process, on one thread: those of a pool are not copied."""
    process = multiprocessing.get_context("fork").Process(target=_alone, args=(work, *arguments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, where the process has had threads
        process.start()
    return process


def _alone(work: Callable, *arguments: object) -> None:
    torch.set_num_threads(1)
    work(*arguments)
