"""What layers of many trained networks are read as: trained, read and put into one table."""

from __future__ import annotations

from interp.exports import on_first_use

TYPE_CHECKING = False  # type checkers read it as true; here the list of conditions need not wait for the analysis

if TYPE_CHECKING:
    from zoo.survey.networks import Condition, conditions
    from zoo.survey.rows import Survey
    from zoo.survey.survey import reproduce

__all__ = ["Condition", "Survey", "conditions", "reproduce"]

_HOMES = {
    "zoo.survey.networks": ("Condition", "conditions"),
    "zoo.survey.rows": ("Survey",),
    "zoo.survey.survey": ("reproduce",),
}

if not TYPE_CHECKING:
    __getattr__ = on_first_use(__name__, _HOMES)
