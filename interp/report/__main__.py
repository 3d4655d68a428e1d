"""``python -m interp.report``: the command ``interp report``."""

if __name__ == "__main__":
    import sys

    from interp.cli.main import report

    sys.exit(report())
