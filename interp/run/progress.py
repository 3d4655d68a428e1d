"""One line a stage, for whoever waits."""

from __future__ import annotations

import sys

from interp.run.pipeline import Done


def told(done: Done) -> None:
    """Say on the error stream what a stage found and how long that took."""
    found = done.stage.lines(done.found)[0]
    how = f"unchanged in {done.stage.file}" if done.is_reused else f"{done.seconds:.1f} s"
    print(f"{done.stage.name}: {found} ({how})", file=sys.stderr, flush=True)
