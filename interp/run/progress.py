"""One line a stage, for whoever waits."""

from __future__ import annotations

import sys

from interp.run.pipeline import Done


def told(done: Done) -> None:
    """Print on the error stream what a stage found and how long that took, in one line.

    Parameters
    ----------
    done
        Stage that has come to its end.

    Examples
    --------
    >>> import contextlib
    >>> from interp.run import Done, find_stage
    >>> from interp.run.stages.record import Recorded
    >>> with contextlib.redirect_stderr(sys.stdout):
    ...     told(Done(find_stage("record"), Recorded({"fc1": 1437}), seconds=0.25, is_reused=False))
    record: 1 layer, 1,437 rows of training (0.2 s)
    """
    found = done.stage.lines(done.found)[0]
    how = f"unchanged in {done.stage.file}" if done.is_reused else f"{done.seconds:.1f} s"
    print(f"{done.stage.name}: {found} ({how})", file=sys.stderr, flush=True)
