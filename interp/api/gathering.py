"""Networks whose weights are divided over the processes of a job: one process works, and the others help to gather.

A weight is gathered from all processes at once, so each must know which one is next. The process that works says so,
and the others do nothing else until it has done; processes that each did a part of the work would wait for ever, since
they run different numbers of passes. One after the other works: the first makes everything, the others find it made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any, TypeGuard, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from interp.checkpoints import Network
from interp.errors import CheckpointError, InterpError, first_line
from interp.network.tracing.sharded import can_gather, divided, gathering
from interp.ranks import Ranks, apart, current

Found = TypeVar("Found")

Work = Callable[[Sequence[Network], bool], Found]
"""Networks that run in this process, and whether it is the first to work -> what it found."""

DONE, FAILED = -1, -2
"""Told in place of a network's number where the process that works has come to its end, or to an error."""


NOTHING: tuple[int, Sequence[str], str] = (DONE, (), "")
"""Number, names of parameters and error, as they are told by a process that does not work."""


class LeaderError(InterpError):
    """The process that works has failed, and the others, which help it, end with it."""


def is_divided(network: Network) -> TypeGuard[nn.Module]:
    """Tell whether a network's weights are divided over the processes of this job, and can be gathered from them.

    Parameters
    ----------
    network
        Network, or what names one.
    """
    return isinstance(network, nn.Module) and can_gather(network) and dist.get_world_size() == current().size


def by_turns(networks: Sequence[Network], work: Work[Found]) -> Found:
    """Do the same work in each process of a job, one after the other, while the others help to gather weights.

    Parameters
    ----------
    networks
        Networks, the same in all processes, some with weights that are divided over them.
    work
        Work of a process alone, which no other has a part in.

    Returns
    -------
    object
        Result of this process's work.

    Raises
    ------
    JobError
        If another process has ended.
    LeaderError
        If the work of another process failed.
    """
    ranks, found = current(), []
    shares = {i: divided(network) for i, network in enumerate(networks) if is_divided(network)}
    for leader in range(ranks.size):
        if leader == ranks.rank:
            found.append(_lead(networks, shares, work, ranks))
        else:
            _follow(shares, ranks, leader)
    return found[0]


def _lead(networks: Sequence[Network], shares: dict[int, dict[str, Any]], work: Work[Found], ranks: Ranks) -> Found:
    """Do the work, and tell the others what to gather until it is done."""
    lead = _Lead(shares, ranks)
    plain = [gathering(one, partial(lead, i)) if is_divided(one) else one for i, one in enumerate(networks)]
    try:
        with apart():
            found = work(plain, ranks.is_first)
    except BaseException as error:
        lead.end(FAILED, first_line(error, 600))
        raise
    lead.end(DONE)
    return found


def _follow(shares: dict[int, dict[str, Any]], ranks: Ranks, leader: int) -> None:
    """Help another process to gather what it needs, until it is done."""
    while True:
        number, names, said = ranks.told(NOTHING)[leader]
        if number == FAILED:
            do = "see to it, and run the same command again, which goes on"
            raise LeaderError(f"rank {ranks.rank}", found=f"rank {leader}: {said}", expected="no error there", do=do)
        if number == DONE:
            return
        for name in names:
            _whole(shares[number][name])


class _Lead:
    """Parameters of networks as the process that works asks for them, one after the other, while it works."""

    def __init__(self, shares: dict[int, dict[str, Any]], ranks: Ranks) -> None:
        self._shares, self._ranks, self._lock, self._is_open = shares, ranks, Lock(), True

    def __call__(self, number: int, names: Sequence[str]) -> list[Tensor]:
        """Gather parameters of a network from all processes."""
        with self._lock, torch._C.DisableTorchFunction():  # whoever looks on is to see the network alone
            if not self._is_open:
                raise CheckpointError(
                    names[0],
                    found="a weight that is divided over processes, which no longer wait",
                    expected="to be run by interp.analyse",
                    do="run the module itself, in all processes at once",
                )
            self._tell(number, names)
            return [_whole(self._shares[number][name]) for name in names]

    def _tell(self, number: int, names: Sequence[str]) -> None:
        try:
            self._ranks.told((number, names, ""))
        except InterpError:  # another process has ended: nobody is left to be told anything
            self._is_open = False
            raise

    def end(self, number: int, said: str = "") -> None:
        """Tell the others that the work has ended, if they listen."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._ranks.told((number, (), said))


def _whole(parameter: Any) -> Tensor:
    """Gather a parameter; all processes do so at once."""
    with torch.no_grad():
        found: Tensor = parameter.detach().full_tensor()
    return found
