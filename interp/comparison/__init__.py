"""Several networks beside each other: what they have in common, and what not."""

from interp.comparison.compare import compare_members
from interp.comparison.members import Member, Source, open_members, sources_of
from interp.comparison.result import Comparison
from interp.comparison.snapshots import unpacked

__all__ = ["Comparison", "Member", "Source", "compare_members", "open_members", "sources_of", "unpacked"]
