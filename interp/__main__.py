"""``python -m interp``: the same program as ``interp``."""

if __name__ == "__main__":
    import sys

    from interp.cli.guard import whole_process
    from interp.cli.main import main

    sys.exit(whole_process(lambda: main(program=("python", "-m", "interp"))))
