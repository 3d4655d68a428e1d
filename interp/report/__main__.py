"""``python -m interp.report``: the command ``interp report``."""

if __name__ == "__main__":
    import sys

    from interp.cli.guard import whole_process
    from interp.cli.main import report

    sys.exit(whole_process(report))
