"""Every reproduction by name; to add one, write ``reproduce(options) -> Path`` and one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zoo.experiments import as_nn, learn_dm, lenet, use_dm
from zoo.experiments.options import ReproduceOptions

PAPERS: dict[str, Callable[[ReproduceOptions], Path]] = {
    "as-nn": as_nn.reproduce,
    "use-dm": use_dm.reproduce,
    "learn-dm": learn_dm.reproduce,
    "lenet": lenet.reproduce,
}
