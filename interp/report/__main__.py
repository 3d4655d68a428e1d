"""``python -m interp.report``: the command ``interp report``."""

import sys

if __name__ == "__main__":
    from interp.cli.main import report

    sys.exit(report())
