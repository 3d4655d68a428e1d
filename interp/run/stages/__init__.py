"""The stages, in the order in which they run: name -> `Stage`, or the ``package.module:name`` of one.

Commands, the files of a run, what reads them back, ``--help``, the page's account of how it was made and the table in
the documentation all come from here. To add a stage, write a file here and a line in `STAGES`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; ``--help`` reads this list and must not wait for torch

if TYPE_CHECKING:
    from interp.run.stage import Stage

STAGES: dict[str, Stage | str] = {
    "record": "interp.run.stages.record:STAGE",
    "fit": "interp.run.stages.fit:STAGE",
    "boundaries": "interp.run.stages.boundaries:STAGE",
    "screen": "interp.run.stages.screen:STAGE",
    "prototypes": "interp.run.stages.prototypes:STAGE",
    "clusters": "interp.run.stages.clusters:STAGE",
    "intervene": "interp.run.stages.intervene:STAGE",
    "attribute": "interp.run.stages.attribute:STAGE",
    "read": "interp.run.stages.read:STAGE",
}
"""Names stand for code that is imported when it is first used."""

WITHOUT_STORE = {"record": "interp.run.stages.gather:STAGE"}
"""Stage -> the one that is run in its place where activations are not stored."""

SEVERAL = "interp.run.stages.several:STAGE"
"""Stage after the others in a run of several networks; it has no command of its own."""
