"""Every reproduction by name; to add one, write ``reproduce(options) -> Path`` and one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zoo.papers.as_nn import as_nn, hypotheses
from zoo.papers.learn_dm import learn_dm
from zoo.papers.lenet import lenet
from zoo.papers.options import ReproduceOptions
from zoo.papers.use_dm import use_dm
from zoo.survey import survey

PAPERS: dict[str, Callable[[ReproduceOptions], Path]] = {
    "as-nn": as_nn.reproduce,
    "use-dm": use_dm.reproduce,
    "learn-dm": learn_dm.reproduce,
    "lenet": lenet.reproduce,
    "hypotheses": hypotheses.reproduce,
    "reading": survey.reproduce,
}
