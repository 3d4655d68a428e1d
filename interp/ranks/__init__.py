"""The processes of one job: which one this is, what each works on, and what they tell each other."""

from interp.ranks.alone import ALONE, Ranks
from interp.ranks.job import apart, current, job
from interp.ranks.silent import silent

__all__ = ["ALONE", "Ranks", "apart", "current", "job", "silent"]
