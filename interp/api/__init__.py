"""The same program for notebooks and scripts: `analyse` a network, and look at what was found."""

from interp.api.analysis import Analysis
from interp.api.comparing import compare
from interp.api.exporting import export
from interp.api.front_door import analyse
from interp.api.gate import check
from interp.api.node import NodeFacts

__all__ = ["Analysis", "NodeFacts", "analyse", "check", "compare", "export"]
