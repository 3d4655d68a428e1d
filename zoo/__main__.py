"""``python -m zoo COMMAND``."""

from __future__ import annotations

import sys

from interp.cli import guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the zoo.

    Parameters
    ----------
    arguments
        Words of the command line; None for those that were typed.

    Returns
    -------
    int
        Exit code: 0; 2 with one line for a problem that the user can act on; 130 when interrupted.
    """

    def run() -> None:
        from zoo.cli.arguments import parser

        options = parser().parse_args(arguments)
        options.run(options)

    return guarded(run, interrupted="; the same command goes on from here")


if __name__ == "__main__":
    sys.exit(main())
